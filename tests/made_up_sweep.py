"""A made-up sweep for tests: nothing of it was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from made_up_run import manifest

from evaluation.decide.sweeps import STEADY, Sweep, Taken
from evaluation.model import SWEEP
from evaluation.store import FormFacts, ImageFacts, RuntimeFacts

PROBE = "sweep_start"


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
    runtimes = tuple(
        RuntimeFacts(id=id_, family=id_, mode="made up", present=True) for id_ in ("host", "charliecloud")
    )
    made = manifest().model_copy(update={"profile": SWEEP, "image": image, "runtimes": runtimes})
    return Sweep(manifest=made, folder="local/made-up", levels=tuple(levels), residue=residue)
