"""Groups of criteria under one weight: how they unfold, and what cannot be meant."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from microweights import CRITERIA, TEXT

from evaluation.decide.criteria import load_criteria
from evaluation.decide.weightgroups import WeightGroup, unfolded
from evaluation.errors import Fault, FaultyDocumentError

shares = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.floats(0.001, 1000), min_size=2, max_size=8
)


def group(**unfolds: object) -> WeightGroup:
    return WeightGroup.model_validate({"title": "A group", "reason": "a test", **unfolds})


@settings(derandomize=True, database=None)
@given(shares=shares, points=st.floats(0, 1_000_000))
def test_what_unfolds_is_exactly_what_was_given_and_in_proportion(
    shares: dict[str, float], points: float
) -> None:
    parts = group(shares=shares).unfold(points)
    assert math.fsum(parts.values()) == points
    assert list(parts) == list(shares)
    together = math.fsum(shares.values())
    for name, part in parts.items():
        assert part >= 0
        assert part == pytest.approx(points * shares[name] / together, rel=1e-6, abs=points * 1e-15 + 1e-300)


def test_equal_parts_are_equal_and_single_weights_stay_beside_them() -> None:
    both = group(equal_parts=("b", "c"))
    assert unfolded({"a": 1, "both": 6, "d": 2}, {"both": both}) == {"a": 1, "b": 3, "c": 3, "d": 2}
    assert [*unfolded({"a": 1, "both": 6}, {"both": both})] == ["a", "b", "c"]


def test_the_shipped_groups_give_what_their_members_had() -> None:
    rules = CRITERIA
    assert rules.use_cases["end-user"].weights["small_files"] == 12
    assert rules.weights("end-user")["metadata_rate"] == 8
    assert rules.weights("end-user")["open_rate"] == 4
    assert rules.weights("developer")["open_rate"] == rules.use_cases["developer"].weights["open_rate"]
    names = [name for section in rules.sections() for name in section.criteria]
    assert sorted(names) == sorted(rules.criteria)


# ---- what cannot be meant ---------------------------------------------------------------------------


def faults(folder: Path, *changes: tuple[str, str]) -> list[Fault]:
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "criteria.yaml"
    path.write_text(text)
    with pytest.raises(FaultyDocumentError) as caught:
        load_criteria(path)
    return list(caught.value.faults)


def test_a_criterion_weighed_both_ways_is_a_fault_at_its_own_line_and_column(tmp_path: Path) -> None:
    own = "      small_files: 12 "
    (fault,) = faults(tmp_path, (own, f"      open_rate: 4\n{own}"))
    line = TEXT[: TEXT.index(own)].count("\n") + 1
    assert (fault.line, fault.column) == (line, 7)
    assert fault.excerpt == "      open_rate: 4"
    assert f"from the group 'small_files' on line {line + 1} already" in fault.message


FILES = "{metadata_rate: 2, open_rate: 1}"
RIGHTS = "[no_new_privileges, setuid_escalation]"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (FILES, "{metadata_rat: 2, open_rate: 1}", "did you mean 'metadata_rate'"),
        (FILES, "{metadata_rate: 2, open_rate: 0}", "greater than or equal to 0.001"),
        (FILES, "{metadata_rate: 2}", "should name at least 2, not 1"),
        (FILES, "{metadata_rate: 2, open_rate: -1}", "shares.open_rate"),
        (RIGHTS, "[no_new_privileges]", "should name at least 2, not 1"),
        (RIGHTS, "[no_new_privileges, no_new_privileges]", "has twice"),
        (RIGHTS, "[open_rate, setuid_escalation]", "in the group 'small_files' already"),
        (RIGHTS, RIGHTS + "\n    shares: {cpu_rate: 1, cold_start: 1}", "and not both"),
        ("    equal_parts: [no_new_privileges, setuid_escalation]\n", "", "how the group unfolds"),
        ("  gaining_rights:\n", "  cpu_rate:\n", "a criterion already"),
        ("  gaining_rights:\n", "  security:\n", "the name of an area already"),
        ("      small_files: 12 ", "      small_file: 12 ", "did you mean 'small_files'"),
        ("      small_files: 12 ", "      small_files: -12 ", "weights.small_files: should be greater"),
    ],
)  # fmt: skip
def test_a_group_that_cannot_be_meant_is_named(tmp_path: Path, old: str, new: str, word: str) -> None:
    found = faults(tmp_path, (old, new))
    assert any(word in fault.message for fault in found), found
    at = TEXT[: TEXT.index(old)].count("\n") + 1
    assert any(abs(fault.line - at) <= 8 or "gaining_rights" in fault.message for fault in found)


def test_every_fault_of_a_group_comes_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        ("{metadata_rate: 2, open_rate: 1}", "{metadata_rat: 2, open_rate: 1}"),
        ("[no_new_privileges, setuid_escalation]", "[no_new_privilege, setuid_escalation]"),
        ("      small_files: 12 ", "      smal_files: 12 "),
    )
    assert [re.sub(".*unknown", "unknown", fault.message) for fault in found] == [
        "unknown criterion 'metadata_rat'; did you mean 'metadata_rate'?",
        "unknown criterion 'no_new_privilege'; did you mean 'no_new_privileges'?",
        "unknown criterion 'smal_files'; did you mean 'small_files'?",
    ]
