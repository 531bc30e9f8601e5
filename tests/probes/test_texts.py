"""What every probe owes its reader."""

import re

import pytest

from evaluation.model import Severity
from evaluation.probes.base import Probe
from evaluation.probes.registry import discover, group_of

PROBES = pytest.mark.parametrize("probe", discover().values(), ids=lambda probe: probe.id)
SECURITY = pytest.mark.parametrize(
    "probe",
    [probe for probe in discover().values() if group_of(probe.id) == "security"],
    ids=lambda probe: probe.id,
)


@PROBES
def test_the_words_are_complete(probe: Probe) -> None:
    assert probe.question.endswith("?")
    for text in (probe.why, probe.method, probe.remedy):
        assert len(text.split()) >= 10
        assert text.endswith(".")
        assert "  " not in text
    assert re.search("control", probe.method, re.IGNORECASE), "the method names the control"


@PROBES
def test_the_facts_are_complete(probe: Probe) -> None:
    assert probe.version >= 1
    assert probe.repeat in {"paired", "once"}
    assert set(probe.needs) <= {"image", "payload", "batch"}
    group = group_of(probe.id)
    assert ("batch" in probe.needs) is (group == "batch")
    assert bool(probe.unit) is (group == "performance")
    assert probe.repeat == "once" or probe.unit, "what is measured in blocks has a unit"
    assert bool(re.fullmatch(r"[PB]\d\d", probe.checklist_id)) is (group == "security")
    assert not (probe.bare and "payload" in probe.needs), "without binds there is no payload"


@PROBES
def test_references_can_be_followed(probe: Probe) -> None:
    for reference in probe.references:
        assert reference.title
        assert reference.url.startswith("https://")


@SECURITY
def test_an_attempt_says_how_severe_an_exposure_is_and_where_that_is_told(probe: Probe) -> None:
    assert re.fullmatch(r"[PB]\d\d", probe.checklist_id)
    assert isinstance(probe.severity, Severity)
    assert len(probe.severity_reason.split()) >= 8
    assert probe.severity_reason[0].isupper()
    assert probe.severity_reason.endswith(".")
    assert probe.references
    texts = probe.texts("security")
    assert (texts.severity, texts.severity_reason) == (probe.severity, probe.severity_reason)


def test_no_two_probes_share_a_number() -> None:
    numbers = [probe.checklist_id for probe in discover().values() if probe.checklist_id]
    assert len(numbers) == len(set(numbers))
