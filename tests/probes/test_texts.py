"""What every probe owes its reader."""

import re

import pytest

from evaluation.probes.base import Probe
from evaluation.probes.registry import discover, group_of

PROBES = pytest.mark.parametrize("probe", discover().values(), ids=lambda probe: probe.id)


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
    assert set(probe.needs) <= {"image", "payload"}
    group = group_of(probe.id)
    assert bool(probe.unit) is (group == "performance")
    assert probe.repeat == "once" or probe.unit, "what is measured in blocks has a unit"
    assert probe.quick or probe.repeat == "paired" or probe.unit, "a functional attempt is quick"
    assert bool(re.fullmatch(r"[PB]\d\d", probe.checklist_id)) is (group == "security")
    assert not (probe.bare and "payload" in probe.needs), "without binds there is no payload"


@PROBES
def test_references_can_be_followed(probe: Probe) -> None:
    if group_of(probe.id) == "security" and probe.id != "environment_secret_inheritance":
        assert probe.references
    for reference in probe.references:
        assert reference.title
        assert reference.url.startswith("https://")


def test_no_two_probes_share_a_number() -> None:
    numbers = [probe.checklist_id for probe in discover().values() if probe.checklist_id]
    assert len(numbers) == len(set(numbers))
