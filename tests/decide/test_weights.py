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
    set_weights(file, "l1proc", {"contract": 12.5})
    removed, added = different(file)
    assert removed.startswith("-       contract: 15  # this is the batch farm")
    assert added.startswith("+       contract: 12.5 # this is the batch farm")


def test_a_group_is_set_by_its_one_number_and_its_criteria_move_with_it(file: Path) -> None:
    made = set_weights(file, "l1proc", {"handling": 7.5})
    assert made == (
        Change(use_case="l1proc", criterion="signal_delivery", before=10, after=5, group="handling"),
        Change(use_case="l1proc", criterion="output_ownership", before=5, after=2.5, group="handling"),
    )
    removed, added = different(file)
    assert removed.removeprefix("- ") == added.removeprefix("+ ").replace("7.5 #", "15  #")


def test_a_group_written_as_its_criteria_changes_nothing(file: Path) -> None:
    line = "      handling: 15  # a cancelled"
    assert TEXT.count(line) == 1
    file.write_text(TEXT.replace(line, "      output_ownership: 5\n      signal_delivery: 10  # a cancelled"))
    assert changes(CRITERIA, load_criteria(file)) == ()


def test_a_criterion_that_was_not_named_gets_a_line(file: Path) -> None:
    made = set_weights(file, "end-user", {"contract": 13}, "what the farm\ndoes all day")
    assert {each.before for each in made} == {0}
    assert different(file) == ["+       contract: 13  # what the farm does all day"]
    assert load_criteria(file).use_cases["end-user"].weights["contract"] == 13


def test_a_new_weight_without_a_reason_is_refused_and_nothing_is_written(file: Path) -> None:
    with pytest.raises(EvaluationError, match="end-user does not weigh contract yet") as raised:
        set_weights(file, "end-user", {"contract": 5})
    assert "--reason" in raised.value.advice
    assert file.read_text() == TEXT


def test_a_reason_takes_the_place_of_the_one_that_is_there(file: Path) -> None:
    set_weights(file, "end-user", {"opening": 4}, "alone on the node")
    removed, added = different(file)
    assert removed.startswith("-       opening: 8    # a shared node")
    assert added == "+       opening: 4  # alone on the node"


def test_within_braces_no_reason_can_stand_and_that_is_said(file: Path) -> None:
    block = re.compile(r"^    weights:\n(?:      .*\n)+", re.MULTILINE)
    braces = block.sub("    weights: {time: 60, handling: 40}\n", TEXT)
    file.write_text(braces)
    with pytest.raises(EvaluationError, match="l1proc has its weights within braces") as raised:
        set_weights(file, "l1proc", {"time": 50}, "why not")
    assert "a line each" in raised.value.advice
    assert file.read_text() == braces
    assert set_weights(file, "l1proc", {"time": 50})


@settings(max_examples=8)  # each reads the whole file four times
@given(st.sampled_from(sorted(CRITERIA.use_cases)), st.data())
def test_what_is_set_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, use_case: str, data: st.DataObject
) -> None:
    points = data.draw(
        st.dictionaries(
            st.sampled_from(sorted(CRITERIA.objectives)),
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
    file.write_text(TEXT.replace("      keeping: 4    # images", "      # images", 1))
    made = changes(CRITERIA, load_criteria(file))
    assert tuple(sorted(made, key=lambda change: change.criterion)) == (
        Change(use_case="developer", criterion="environment_secret_inheritance", before=2, after=0),
        Change(use_case="developer", criterion="grid_proxy_exposure", before=2, after=0),
    )


@pytest.mark.parametrize(
    ("use_case", "points", "error", "word"),
    [
        ("l1prok", {"time": 1.0}, EvaluationError, "did you mean 'l1proc'"),
        ("l1proc", {"cpu_rat": 1.0}, EvaluationError, "did you mean 'cpu_rate'"),
        ("l1proc", {"time": -1.0}, FaultyDocumentError, "greater than or equal to 0"),
        ("l1proc", {"time": float("nan")}, FaultyDocumentError, "number"),
        ("l1proc", {"time": 1e300}, FaultyDocumentError, "less than or equal to 1000000"),
        ("end-user", {"open_rate": 1.0}, FaultyDocumentError, "from the objective 'time' on line"),
    ],
)
def test_nothing_is_written_unless_it_is_valid(
    file: Path, use_case: str, points: dict[str, float], error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word):
        set_weights(file, use_case, points)
    assert file.read_text() == TEXT
