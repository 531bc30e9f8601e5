"""A made-up sweep for tests: nothing of it was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from made_up_run import manifest

from evaluation.decide.sweeps import CLIMB, STEADY, Sweep, Taken
from evaluation.model import SWEEP, Observation
from evaluation.store import FormFacts, ImageFacts, Run, RuntimeFacts, Turn

PROBE = "sweep_start"
RUNTIMES = tuple(
    RuntimeFacts(id=id_, family=id_, mode="made up", present=True) for id_ in ("host", "charliecloud")
)


def steady(
    runtime: str,
    width: int,
    rate: float,
    repeat: int = 1,
    *,
    kind: str = STEADY,
    failed: int = 0,
    **more: object,
) -> Taken:
    """A level of 100 containers that all took as long."""
    well = 100 - failed
    return Taken(
        probe=PROBE,
        runtime=runtime,
        kind=kind,
        width=width,
        repeat=repeat,
        launched=100,
        span_s=well / rate,
        waits=(width / rate,) * well,
        starts=(0.5 * width / rate,) * well,
        failed=Counter({"exit status 125: made up": failed} if failed else {}),
        **more,  # type: ignore[arg-type]
    )


def made_up_sweep(levels: Sequence[Taken], residue: tuple[str, ...] | None = ()) -> Sweep:
    """A sweep of Charliecloud and the bare host."""
    shared = {"size_bytes": 1, "convert_s": 0.0, "digest": "made up"}
    forms = [
        FormFacts.model_validate({"runtime": id_, "form": "directory", "reference": "/made-up", **shared})
        for id_ in ("host", "charliecloud")
    ]
    image = ImageFacts(
        name="small", recipe="", recipe_sha256="", digest="made up", tar_bytes=1, build_s=0.0, packages=(),
        forms=tuple(forms),
    )  # fmt: skip
    made = manifest().model_copy(update={"profile": SWEEP, "image": image, "runtimes": RUNTIMES})
    return Sweep(manifest=made, folder="local/made-up", levels=tuple(levels), residue=residue)


def sweep_run(folder: Path, name: str, widths: list[int]) -> Run:
    """A run on disk: at each width one container that went well, and one that did not."""
    run = Run.create(
        folder, manifest(run=name).model_copy(update={"profile": SWEEP, "label": "", "runtimes": RUNTIMES})
    )
    for width in widths:
        rows: list[tuple[str, float | str, str, int]] = [
            ("kind", CLIMB, "", 0),
            ("width", width, "1", 0),
            ("span", 2.0, "s", 0),
        ]
        rows += [("submitted", 0.25, "s", 0), ("started", 0.5, "s", 0), ("ended", 1.0, "s", 0)]
        rows += [("submitted", 0.25, "s", 1), ("ended", 1.5, "s", 1), ("cause", "signal 9", "", 1)]
        run.append(
            Turn(probe=f"{PROBE}-climb-{width}", runtime="charliecloud", block=0),
            [
                Observation(
                    probe=PROBE, probe_version=1, runtime="charliecloud", block=0, order=width * 4, name=key,
                    value=value, unit=unit, repetition=number, warm_up=True, evidence=(), image_digest="",
                    observed_at="",
                )
                for key, value, unit, number in rows
            ],
            (),
        )  # fmt: skip
    return run
