"""The checklist, tried itself: what flipped an attempt on the reference machine flips it on this one.

The whole matrix is `evaluation calibrate security`. Here every attempt is made once on the bare host, on each
runtime as it is, with the flag that changes nothing, and with the first flag that is known to flip it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
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
from evaluation.measure.run import open_measurement
from evaluation.model import CONTROL, SECURITY_CALIBRATION
from evaluation.probes.base import Probe
from evaluation.probes.registry import discover, group_of
from evaluation.sites import load_site

PROJECT = Path(__file__).parents[2]
FAMILIES = ("docker", "apptainer")
ATTEMPTS = [probe for probe in discover().values() if probe.checklist_id]
REFERENCE = read_checklists(PROJECT / "results" / "reference")
KNOWN = {
    (tried.probe, tried.version): (checklist, tried)
    for checklist in reversed(REFERENCE)
    for tried in checklist.attempts
}


def flag(probe: Probe, family: str) -> str:
    """The first flag that flips an attempt on the reference machine; empty where none does."""
    if (probe.id, probe.version) not in KNOWN:
        return ""
    checklist, tried = KNOWN[probe.id, probe.version]
    return next((flip.arm for flip in checklist.flips(tried, family)), "")


def pairs(probe: Probe) -> list[tuple[str, str]]:
    """Arms that differ on the reference machine: without and with a flag, or the bare host and a runtime."""
    flags = [(family, flag(probe, family)) for family in FAMILIES if flag(probe, family)]
    if flags or (probe.id, probe.version) not in KNOWN:
        return flags
    _, tried = KNOWN[probe.id, probe.version]
    host = tried.first(CONTROL)
    return [(CONTROL, family) for family in FAMILIES if flipped(host, tried.first(family))]


def wanted(probe: Probe) -> list[str]:
    """The arms that show whether an attempt can be flipped."""
    arms = [arm for family in FAMILIES for arm in (family, f"{family}+null", flag(probe, family))]
    return [arm for arm in arms if arm]


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
) -> Iterator[Checklist]:
    """Every attempt on the arms that show whether it can be flipped, as the command takes them."""
    try:
        opened = open_measurement(
            load_site("local", PROJECT / "sites"),
            profile=SECURITY_CALIBRATION,
            results=tmp_path_factory.mktemp("results"),
            images=PROJECT / "images",
            runtimes=FAMILIES,
            ladder=sorted({probe.image for probe in ATTEMPTS}),
            knobs={arm for probe in ATTEMPTS for arm in wanted(probe)} - {*FAMILIES},
        )
    except EvaluationError as error:
        pytest.skip(str(error))
    with opened as measurement:
        arms = {probe.id: wanted(probe) for probe in ATTEMPTS}
        for group in dict.fromkeys(group_of(probe.id) for probe in ATTEMPTS):
            measurement.measure(group, only=[p.id for p in ATTEMPTS if group_of(p.id) == group], arms=arms)
        yield checklist_of(measurement.run, load_criteria(PROJECT / "criteria.yaml"))


def found(checklist: Checklist, probe: Probe, *arms: str) -> Tried:
    tried = next((tried for tried in checklist.attempts if tried.probe == probe.id), None)
    if tried is None or not all(map(tried.first, arms)):
        pytest.skip(f"{' or '.join(arms)} is not here, or the attempt cannot be made here")
    return tried


@pytest.mark.real
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("probe", ATTEMPTS, ids=lambda probe: probe.id)
def test_what_changes_nothing_flips_nothing(calibrated: Checklist, probe: Probe, family: str) -> None:
    tried = found(calibrated, probe, family, f"{family}+null")
    assert tried.first(f"{family}+null") == tried.first(family), tried.reasons


@pytest.mark.real
@pytest.mark.parametrize(
    ("probe", "before", "after"),
    [pytest.param(p, *arms, id="-".join((p.id, *arms))) for p in ATTEMPTS for arms in pairs(p)],
)
def test_what_flipped_it_on_the_reference_machine_flips_it_here(
    calibrated: Checklist, probe: Probe, before: str, after: str
) -> None:
    tried = found(calibrated, probe, before, after)
    verdicts = [tried.first(arm) for arm in (before, after)]
    if set(verdicts) == {"INERT"}:
        pytest.skip(f"nothing is shown here: {tried.reasons.get(before)}")
    assert flipped(*verdicts), (verdicts, tried.reasons)
