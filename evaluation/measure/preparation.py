"""Getting ready: the payload built, the image in every runtime's form, each form started once.

Nothing that is wrong with one runtime keeps the others from being measured: it becomes absent, with the
reason, and its row stays.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.batch import SUBMITTED
from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.images.process import UnreadableCacheError
from evaluation.kit import PREBUILT, kit_folder
from evaluation.manifest import NO_PAYLOAD
from evaluation.measure.discovery import FoundRuntime
from evaluation.measure.forms import Shelf, absent, first_forms, further_forms
from evaluation.measure.images import built_image
from evaluation.measure.launcher import Command, Launcher, LauncherGoneError
from evaluation.measure.user import ourselves
from evaluation.model import CONTROL, DEFAULT_IMAGE, Role
from evaluation.payload import build as payload_builder
from evaluation.probes.base import Probe
from evaluation.probes.registry import discover as discover_probes
from evaluation.sites import Site
from evaluation.store import ImageFacts, RuntimeFacts

__all__ = ["Prepared", "build_payload", "chosen", "prepare"]

_NO_BATCH = (
    "asked inside a real job only, and the site {site} submits to no batch system: name the engine in "
    "sites/{site}.yaml (batch: engine: slurm or gridengine), or measure at --site slurm-test or "
    "gridengine-test"
)


_COMPILE_S = 900.0
"""Patience with one program of the payload's; a compiler on a busy shared file system takes minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run is begun with."""

    runtimes: tuple[RuntimeFacts, ...]
    image: ImageFacts | None
    ladder: tuple[ImageFacts, ...] = ()
    unavailable: Mapping[str, str]
    """Per probe that not even the bare host can be asked, why."""


def build_payload(folder: Path, compiler: str | None = None) -> Path:
    """Compile the payload, or take the kit's, with our own hands: the measuring user must not change it.

    ``compiler`` is another than this machine's own, for another kind of machine.
    """
    if (kit := kit_folder()) and payload_builder.take_prebuilt(kit / PREBUILT, folder):
        return folder
    with Launcher(ourselves()) as launcher:

        def run(argv: Sequence[str]) -> tuple[int, str]:
            done = launcher.run(Command(argv=tuple(argv), env=launcher.user.env), timeout_s=_COMPILE_S)
            said = (done.stdout + done.stderr).decode(errors="replace")
            if done.evidence.timed_out:
                said = f"error: it did not end within {_COMPILE_S:.0f} s"
            return done.evidence.exit_status, said

        payload_builder.build(folder, run, compiler=compiler)
    return folder


def prepare(
    site: Site,
    launcher: Launcher,
    images: Path,
    payload: Path,
    problem: str,
    everything: Sequence[FoundRuntime],
    found: Sequence[FoundRuntime],
    wanted: Iterable[str],
) -> Prepared:
    """Make the forms of the images, of the runtimes that were found.

    Parameters
    ----------
    payload : Path
        The payload's directory.
    problem : str
        Why the payload could not be built; empty when it was.
    everything, found : sequence of FoundRuntime
        All runtimes, and those of them that the run asks.
    wanted : iterable of str
        The images to make ready; see `wanted_images`.
    """
    shelf = Shelf(everything=everything, launcher=launcher, payload=payload)
    lacks = {"payload": f"{NO_PAYLOAD}: {problem}"} if problem else {}
    if site.batch.engine not in SUBMITTED:
        lacks["batch"] = _NO_BATCH.format(site=site.id)
    image: ImageFacts | None
    try:
        _require_payload(lacks)  # nothing else shows that all forms are the same
        readied, image = first_forms(found, built_image(DEFAULT_IMAGE, images, launcher), shelf)
    except (LauncherGoneError, FaultyDocumentError, UnreadableCacheError):
        raise
    except EvaluationError as error:
        lacks["image"] = lacks.get("payload", f"there is no image: {error.what}")
        why = f"not tried: {error.what}" if problem else f"no image to run: {error.what}"
        readied, image = [_without_image(item, why) for item in found], None
    others = [name for name in wanted if image and name != DEFAULT_IMAGE]
    ladder, missing = further_forms(readied, others, images, shelf)
    here = {DEFAULT_IMAGE, *(facts.name for facts in ladder)}
    return Prepared(
        runtimes=tuple(item.facts for item in readied),
        image=image,
        ladder=tuple(ladder),
        unavailable={
            probe.id: reason
            for probe in discover_probes().values()
            if (reason := _unavailable(probe, lacks, here, missing))
        },
    )


def _require_payload(lacks: Mapping[str, str]) -> None:
    if "payload" in lacks:
        raise EvaluationError(lacks["payload"])


def _unavailable(
    probe: Probe, lacks: Mapping[str, str], here: Collection[str], missing: Mapping[str, str]
) -> str:
    """Say why not even the bare host can be asked; empty where it can."""
    for need in probe.needs:
        if need in lacks:
            return lacks[need]
    if probe.image in here:
        return ""
    return missing.get(
        probe.image, f"the image {probe.image} is not built here: evaluation image build {probe.image}"
    )


def _without_image(found: FoundRuntime, why: str) -> FoundRuntime:
    if not found.facts.present or found.facts.id == CONTROL:
        return found
    return FoundRuntime(runtime=found.runtime, facts=absent(found.facts, why))


def chosen(found: Sequence[FoundRuntime], runtimes: Sequence[str]) -> tuple[FoundRuntime, ...]:
    """Keep the runtimes asked for; the others stay in their rows as left out.

    Raises
    ------
    EvaluationError
        One is unknown.
    """
    known = [item.facts.id for item in found]
    if unknown := [name for name in runtimes if name not in {*known, "none"}]:
        close = difflib.get_close_matches(unknown[0], known, n=1)
        raise EvaluationError(
            f"there is no runtime {unknown[0]!r}" + (f", did you mean {close[0]!r}?" if close else ""),
            where="--runtime",
            advice=f"There are: {', '.join(known)}; or none.",
        )
    kept = {*(runtimes or known), CONTROL}
    return tuple(_as_chosen(item, kept, named=item.facts.id in runtimes) for item in found)


def _as_chosen(item: FoundRuntime, kept: Collection[str], *, named: bool) -> FoundRuntime:
    """Leave a runtime out, or keep it.

    A mode is timed like an alternative only where it was named, and so is an alternative that runs here in a
    way that no centre would.
    """
    facts = item.facts
    if facts.present and facts.id not in kept:
        facts = absent(facts, "left out of this run on request")
    elif facts.role is Role.VARIANT or (facts.role is Role.ALTERNATIVE and facts.impairment):
        facts = facts.model_copy(update={"timed": named})
    return FoundRuntime(runtime=item.runtime, facts=facts)
