"""Changing weights in the file: one number is different, and nothing else."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from microweights import CRITERIA, TEXT

from evaluation.decide.criteria import load_criteria
from evaluation.decide.weights import Change, changes, set_weights
from evaluation.errors import EvaluationError, FaultyDocumentError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "criteria.yaml"
    path.write_text(TEXT)
    return path


def different(file: Path) -> list[str]:
    lines = difflib.ndiff(TEXT.splitlines(), file.read_text().splitlines())
    return [line for line in lines if line.startswith(("+ ", "- "))]


def test_one_number_changes_and_its_comment_stays_where_it_was(file: Path) -> None:
    made = set_weights(file, "end-user", {"syscall_rate": 12.5})
    assert made == (Change(use_case="end-user", criterion="syscall_rate", before=3, after=12.5),)
    removed, added = different(file)
    assert removed == "-       syscall_rate: 3                   # hardly felt"
    assert added == "+       syscall_rate: 12.5                # hardly felt"


def test_a_group_is_set_by_its_one_number_and_its_criteria_move_with_it(file: Path) -> None:
    made = set_weights(file, "end-user", {"small_files": 7.5})
    assert made == (
        Change(use_case="end-user", criterion="metadata_rate", before=8, after=5, group="small_files"),
        Change(use_case="end-user", criterion="open_rate", before=4, after=2.5, group="small_files"),
    )
    removed, added = different(file)
    assert removed.removeprefix("- ") == added.removeprefix("+ ").replace(
        "7.5               ", "12                "
    )
    assert "# file-rich Python environments" in added


def test_a_group_written_as_its_criteria_changes_nothing(file: Path) -> None:
    line = "      small_files: 12                   # file-rich"
    assert TEXT.count(line) == 1
    file.write_text(TEXT.replace(line, "      open_rate: 4\n      metadata_rate: 8  # file-rich"))
    assert changes(CRITERIA, load_criteria(file)) == ()


def test_a_criterion_that_was_not_named_gets_a_line(file: Path) -> None:
    (made,) = set_weights(file, "l1proc", {"monte_carlo": 5}, "what the farm\ndoes all day")
    assert (made.before, made.after) == (0, 5)
    assert different(file) == ["+       monte_carlo: 5  # what the farm does all day"]
    assert load_criteria(file).use_cases["l1proc"].weights["monte_carlo"] == 5


def test_a_new_weight_without_a_reason_is_refused_and_nothing_is_written(file: Path) -> None:
    with pytest.raises(EvaluationError, match="l1proc does not weigh monte_carlo yet") as raised:
        set_weights(file, "l1proc", {"monte_carlo": 5})
    assert "--reason" in raised.value.advice
    assert file.read_text() == TEXT


def test_a_reason_takes_the_place_of_the_one_that_is_there(file: Path) -> None:
    set_weights(file, "end-user", {"syscall_rate": 4}, "felt by our shells")
    removed, added = different(file)
    assert removed == "-       syscall_rate: 3                   # hardly felt"
    assert added == "+       syscall_rate: 4  # felt by our shells"


def test_within_braces_no_reason_can_stand_and_that_is_said(file: Path) -> None:
    block = re.compile(r"^    weights:\n(?:      .*\n)+", re.MULTILINE)
    braces = block.sub("    weights: {cpu_rate: 60, cold_start: 40}\n", TEXT)
    file.write_text(braces)
    with pytest.raises(EvaluationError, match="l1proc has its weights within braces") as raised:
        set_weights(file, "l1proc", {"cpu_rate": 50}, "why not")
    assert "a line each" in raised.value.advice
    assert file.read_text() == braces
    assert set_weights(file, "l1proc", {"cpu_rate": 50})


@settings(max_examples=8)  # each reads the whole file four times
@given(st.sampled_from(sorted(CRITERIA.use_cases)), st.data())
def test_what_is_set_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, use_case: str, data: st.DataObject
) -> None:
    by_group = {
        member
        for name in CRITERIA.use_cases[use_case].weights
        if name in CRITERIA.weight_groups
        for member in CRITERIA.weight_groups[name].members
    }
    points = data.draw(
        st.dictionaries(
            st.sampled_from(
                sorted({*CRITERIA.criteria} - by_group | {*CRITERIA.use_cases[use_case].weights})
            ),
            st.integers(1, 10_000).map(lambda n: n / 8),
            max_size=5,
        )
    )
    path = tmp_path_factory.mktemp("weights") / "criteria.yaml"
    path.write_text(TEXT)
    new = points.keys() - CRITERIA.use_cases[use_case].weights.keys()
    set_weights(path, use_case, points, "a reason" if new else "")
    after = load_criteria(path)
    assert dict(after.use_cases[use_case].weights) == {**CRITERIA.use_cases[use_case].weights, **points}
    assert path.read_text().count("#") == TEXT.count("#") + len(new)
    back = {name: CRITERIA.use_cases[use_case].weights.get(name, 0.0) for name in points}
    set_weights(path, use_case, back)
    assert changes(CRITERIA, load_criteria(path)) == ()


def test_changes_name_what_is_gone_too(file: Path) -> None:
    file.write_text(TEXT.replace("      cold_start: 17                    # every", "      # every", 1))
    (made,) = changes(CRITERIA, load_criteria(file))
    assert made == Change(use_case="developer", criterion="cold_start", before=17, after=0)


@pytest.mark.parametrize(
    ("use_case", "points", "error", "word"),
    [
        ("l1prok", {"cpu_rate": 1.0}, EvaluationError, "did you mean 'l1proc'"),
        ("l1proc", {"cpu_rat": 1.0}, EvaluationError, "did you mean 'cpu_rate'"),
        ("l1proc", {"cpu_rate": -1.0}, FaultyDocumentError, "greater than or equal to 0"),
        ("l1proc", {"cpu_rate": float("nan")}, FaultyDocumentError, "number"),
        ("l1proc", {"cpu_rate": 1e300}, FaultyDocumentError, "less than or equal to 1000000"),
        ("end-user", {"open_rate": 1.0}, FaultyDocumentError, "from the group 'small_files' on line"),
    ],
)
def test_nothing_is_written_unless_it_is_valid(
    file: Path, use_case: str, points: dict[str, float], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        set_weights(file, use_case, points)
    assert file.read_text() == TEXT
