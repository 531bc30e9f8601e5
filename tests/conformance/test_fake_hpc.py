"""The adapters of podman-hpc, enroot and Sarus against FAKES of their contracts; no claim about real ones.

They show that the adapters and the conformance list fit the contracts, so that on a site that has one of them
whatever fails is news.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from fake_client import place_payload
from fake_hpc import IMAGE

from evaluation.measure.conformance import CHECKS, Check, examine
from evaluation.measure.launcher import Launcher
from evaluation.measure.session import Arm, Bench
from evaluation.measure.user import measuring_user
from evaluation.model import Bind, Outcome
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.enroot import Enroot
from evaluation.runtimes.podman_hpc import PodmanHpc
from evaluation.runtimes.sarus import Sarus
from evaluation.testing import is_fake


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePodmanHpc(PodmanHpc):
    """The real adapter, except that binds are seen below a directory, and its client runs the command."""

    root: str
    has_engine: ClassVar[bool] = False

    def sees(self, bind: Bind) -> str:
        return f"{self.root}{bind.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeEnroot(Enroot):
    """The real adapter, except that binds are seen below a directory."""

    root: str

    def sees(self, bind: Bind) -> str:
        return f"{self.root}{bind.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeSarus(Sarus):
    """The real adapter, except that binds are seen below a directory."""

    root: str

    def sees(self, bind: Bind) -> str:
        return f"{self.root}{bind.target}"


FAKES: dict[str, type[FakePodmanHpc | FakeEnroot | FakeSarus]] = {
    "podman-hpc": FakePodmanHpc,
    "enroot": FakeEnroot,
    "sarus": FakeSarus,
}
REAL = known_runtimes()


@pytest.fixture(scope="module", params=FAKES)
def stage(request: pytest.FixtureRequest) -> Iterator[tuple[Bench, Arm]]:
    kind = str(request.param)
    scratch = Path(tempfile.mkdtemp(prefix="evaluation-tests-"))
    scratch.chmod(0o755)
    root = scratch / "root"
    root.mkdir()
    root.chmod(0o777)
    for name in ("fake_client.py", "fake_hpc.py"):
        shutil.copy(Path(__file__).with_name(name), scratch)
    command = scratch / kind
    command.write_text("#!/usr/bin/env python3\n" + Path(__file__).with_name("fake_hpc.py").read_text())
    command.chmod(0o755)
    user = measuring_user("nobody" if os.getuid() == 0 else "")
    user = replace(user, env={**user.env, "FAKE_ROOT": str(root)})
    runtime = FAKES[kind](
        id=f"fake-{kind}", family=REAL[kind].family, mode="made up for a test", form=REAL[kind].form,
        commands=(str(command),), root=str(root),
    )  # fmt: skip
    try:
        with Launcher(user) as launcher:
            if not launcher.find("python3"):
                pytest.skip(f"{user.name} finds no python3")
            bench = Bench(
                launcher=launcher,
                verifier=launcher,
                payload=place_payload(scratch / "payload"),
                scratch=scratch,
            )
            reference = f"{scratch}/{IMAGE}" if kind == "enroot" else IMAGE
            yield bench, Arm(id=runtime.id, runtime=runtime, reference=reference, image_digest="made up")
            asked = [json.loads(line) for line in (root / "asked").read_text().splitlines()]
            assert all(words[0] == str(command) for words in asked)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_adapter_fits_the_contract(check: Check, stage: tuple[Bench, Arm]) -> None:
    bench, arm = stage
    assert is_fake(arm.id)
    result = examine(check, bench, arm)
    assert result.outcome is Outcome.HOLDS, result.message
