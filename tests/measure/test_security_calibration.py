"""The checklist, tried itself: what flipped an attempt on the reference machine flips it on this one.

The whole matrix is `evaluation calibrate security`. Here every attempt is made once on the bare host, on each
runtime as it is, with the flag that changes nothing, and with the first flag that is known to flip it.

On the reference machine Apptainer has its setuid starter. Where it has none, it works as it does there in a
user namespace, and is held against that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluation.decide.checklist import (
    Checklist,
    Tried,
    current,
    flipped,
    read_checklists,
    unpublished_reason,
)
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import checklist_of
from evaluation.errors import EvaluationError
from evaluation.measure.knobs import CALIBRATED
from evaluation.measure.run import open_measurement
from evaluation.model import CONTROL, SECURITY_CALIBRATION
from evaluation.probes.base import Probe
from evaluation.probes.registry import discover, group_of
from evaluation.sites import load_site

PROJECT = Path(__file__).parents[2]
ATTEMPTS = [probe for probe in discover().values() if probe.checklist_id]
REFERENCE = read_checklists(PROJECT / "results" / "reference")
KNOWN = {
    (tried.probe, tried.version): (checklist, tried)
    for checklist in reversed(REFERENCE)
    for tried in checklist.attempts
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What was tried on this machine, and whether Apptainer has its setuid starter here."""

    checklist: Checklist
    setuid: bool


def like(arm: str, *, setuid: bool) -> str:
    """Name the arm here that works as one of the reference machine's; empty where none does."""
    runtime, plus, knob = arm.partition("+")
    if not setuid:
        runtime = {"apptainer": "", "apptainer-userns": "apptainer"}.get(runtime, runtime)
    return f"{runtime}{plus}{knob}" if runtime else ""


def flag(probe: Probe, runtime: str) -> str:
    """The first flag that flips an attempt on the reference machine; empty where none does."""
    if (probe.id, probe.version) not in KNOWN:
        return ""
    checklist, tried = KNOWN[probe.id, probe.version]
    return next((flip.arm for flip in checklist.flips(tried, runtime)), "")


def pairs(probe: Probe) -> list[tuple[str, str]]:
    """Arms that differ on the reference machine: without and with a flag, or the bare host and a runtime."""
    flags = [(runtime, flag(probe, runtime)) for runtime in CALIBRATED if flag(probe, runtime)]
    if flags or (probe.id, probe.version) not in KNOWN:
        return flags
    _, tried = KNOWN[probe.id, probe.version]
    host = tried.first(CONTROL)
    return [(CONTROL, runtime) for runtime in CALIBRATED if flipped(host, tried.first(runtime))]


def wanted(probe: Probe, *, setuid: bool) -> set[str]:
    """The arms here that show whether an attempt can be flipped."""
    arms = {arm for runtime in CALIBRATED for arm in (runtime, f"{runtime}+null", flag(probe, runtime))}
    return {like(arm, setuid=setuid) for arm in arms} - {""}


@pytest.mark.parametrize("probe", ATTEMPTS, ids=lambda probe: probe.id)
def test_every_attempt_was_calibrated_as_it_is_now(probe: Probe) -> None:
    assert (probe.id, probe.version) in KNOWN, "evaluation calibrate security --site reference, and commit it"


def test_on_the_reference_machine_the_null_flipped_nothing_and_every_verdict_was_repeated() -> None:
    assert REFERENCE
    for checklist in current(REFERENCE):  # what was calibrated anew has a reason to be
        assert checklist.null_faults() == ()
        assert checklist.unstable() == ()
        cells, turns = checklist.repeated()
        assert cells >= len(checklist.attempts) * len(checklist.runtimes)
        assert turns >= 5


def test_most_attempts_are_published() -> None:
    kept_back = [p.id for p in ATTEMPTS if unpublished_reason(p.id, p.version, REFERENCE)]
    assert len(kept_back) < len(ATTEMPTS) / 4, kept_back


@pytest.fixture(scope="module")
def own_folder() -> Iterator[None]:
    """Temporary files apart from everybody's."""
    with (
        tempfile.TemporaryDirectory(prefix="evaluation-tests-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(folder).chmod(0o1777)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="module")
def calibrated(
    engine: None,  # noqa: ARG001 - it must run before
    own_folder: None,  # noqa: ARG001 - likewise
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Here]:
    """Every attempt on the arms that show whether it can be flipped, as the command takes them."""
    try:
        opened = open_measurement(
            load_site("local", PROJECT / "sites"),
            profile=SECURITY_CALIBRATION,
            results=tmp_path_factory.mktemp("results"),
            images=PROJECT / "images",
            runtimes=CALIBRATED,
            ladder=sorted({probe.image for probe in ATTEMPTS}),
            knobs={
                arm for probe in ATTEMPTS for setuid in (True, False) for arm in wanted(probe, setuid=setuid)
            }.difference(CALIBRATED),
        )
    except EvaluationError as error:
        pytest.skip(str(error))
    with opened as measurement:
        present = {facts.id for facts in measurement.manifest.runtimes if facts.present}
        setuid = "apptainer-userns" in present
        arms = {probe.id: wanted(probe, setuid=setuid) for probe in ATTEMPTS}
        for group in dict.fromkeys(group_of(probe.id) for probe in ATTEMPTS):
            measurement.measure(group, only=[p.id for p in ATTEMPTS if group_of(p.id) == group], arms=arms)
        made = checklist_of(measurement.run, load_criteria(PROJECT / "criteria.yaml"))
        yield Here(checklist=made, setuid=setuid)


def found(here: Here, probe: Probe, *arms: str) -> tuple[Tried, list[str]]:
    """What came of an attempt, and its verdicts on the arms that work as these of the reference machine."""
    same = [like(arm, setuid=here.setuid) for arm in arms]
    tried = next((tried for tried in here.checklist.attempts if tried.probe == probe.id), None)
    if tried is None or not all(map(tried.first, same)):
        pytest.skip(f"{' or '.join(arms)} is not here, or the attempt cannot be made here")
    return tried, [tried.first(arm) for arm in same]


@pytest.mark.real
@pytest.mark.parametrize("runtime", CALIBRATED)
@pytest.mark.parametrize("probe", ATTEMPTS, ids=lambda probe: probe.id)
def test_what_changes_nothing_flips_nothing(calibrated: Here, probe: Probe, runtime: str) -> None:
    tried, (before, after) = found(calibrated, probe, runtime, f"{runtime}+null")
    assert after == before, tried.reasons


@pytest.mark.real
@pytest.mark.parametrize(
    ("probe", "before", "after"),
    [pytest.param(p, *arms, id="-".join((p.id, *arms))) for p in ATTEMPTS for arms in pairs(p)],
)
def test_what_flipped_it_on_the_reference_machine_flips_it_here(
    calibrated: Here, probe: Probe, before: str, after: str
) -> None:
    tried, verdicts = found(calibrated, probe, before, after)
    if set(verdicts) == {"INERT"}:
        pytest.skip(f"nothing is shown here: {tried.reasons}")
    assert flipped(*verdicts), (verdicts, tried.reasons)
