"""A bench for unit tests: real processes, a made-up run, and executables that are fakes and say so."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from made_up_run import manifest

from evaluation.measure.launcher import Launcher
from evaluation.measure.measurement import Measurement
from evaluation.measure.profiles import Profile
from evaluation.measure.session import Bench
from evaluation.measure.user import ourselves
from evaluation.model import DEFAULT_IMAGE
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.store import FormFacts, ImageFacts, Manifest, Run, RuntimeFacts

TINY = Profile(name="tiny", blocks=4, enough=4, half_width=10.0, budget_s=600.0)


def fake_executable(path: Path, script: str) -> Path:
    """Write a shell script that plays a runtime's command."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n# A fake for a unit test: this is no container runtime.\n{script}\n")
    path.chmod(0o755)
    return path


def probe(observe: Callable[[Session], None], id_: str = "cold_start", repeat: str = "paired") -> Probe:
    def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
        raise NotImplementedError(own, others)

    return Probe(
        id=id_, version=1, question="", why="", method="", remedy="", observe=observe, judge=judge,
        repeat=repeat,
    )  # fmt: skip


def with_runtime(command: Path) -> Manifest:
    """A manifest with the bare host and Charliecloud, under a command that is a fake."""
    shared = {"size_bytes": 1, "convert_s": 0.0, "digest": "made up"}
    forms = [
        FormFacts.model_validate({"runtime": id_, "form": "directory", "reference": "/made-up", **shared})
        for id_ in ("host", "charliecloud")
    ]
    image = ImageFacts(
        name=DEFAULT_IMAGE, recipe="", recipe_sha256="", digest="made up", tar_bytes=1, build_s=0.0,
        packages=(), forms=tuple(forms),
    )  # fmt: skip
    fake = RuntimeFacts(
        id="charliecloud", family="charliecloud", mode="a fake", present=True, command=str(command)
    )
    made_up = manifest()
    return made_up.model_copy(update={"image": image, "runtimes": (*made_up.runtimes, fake)})


@contextlib.contextmanager
def measurement(run: Run, folder: Path, profile: Profile = TINY) -> Iterator[Measurement]:
    """Open a made-up run for measuring with real processes."""
    folder.mkdir(exist_ok=True)
    user = replace(ourselves(), env={"PATH": os.environ["PATH"]})
    with contextlib.ExitStack() as stack:
        launcher = stack.enter_context(Launcher(user))
        verifier = stack.enter_context(Launcher(user))
        bench = Bench(launcher=launcher, verifier=verifier, payload=folder, scratch=folder)
        with Measurement(run, profile, bench, stack.pop_all()) as opened:
            yield opened
