"""A criteria file cut at its weights, and put together again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.decide.criteria import load_criteria
from evaluation.report.rewriting import Piece, pieces, put_together

CRITERIA = Path(__file__).parents[2] / "criteria.yaml"
USE_CASES = ("l1proc", "end-user", "developer")
HEAD = "criteria: {}\nuse_cases:\n"


def written(cut: list[Piece], changes: dict[tuple[str, str], str] | None = None, added: str = "") -> str:
    """What the browser does with the pieces; a group is given all that stands in its place."""
    text = ""
    for piece in cut:
        if isinstance(piece, str):
            text += piece
        elif len(piece) == 3:
            text += (changes or {}).get((piece[0], piece[1]), piece[2])
        elif len(piece) == 5:
            text += (changes or {}).get((piece[0], piece[1]), piece[3] + piece[2])
        elif added:
            text += piece[1] + added
    return text


@pytest.mark.parametrize(
    "text",
    [
        CRITERIA.read_text(encoding="utf-8"),
        CRITERIA.read_text(encoding="utf-8").replace("\n", "\r\n"),
        "\ufeff" + HEAD + "  l1proc:\n    weights:\n      a: 1",
        HEAD + "  l1proc: {weights: {a: 1, b: 2.50}}\n",
        HEAD + "  l1proc:\n    weights: { a: 1 , b: 2 } # braces\n",
    ],
)
def test_unchanged_it_is_the_file(text: str) -> None:
    assert written(pieces(text, ("l1proc",))) == put_together(pieces(text, ("l1proc",))) == text
    assert "".join(piece for piece in pieces(text, ()) if isinstance(piece, str)) == text


def test_every_weight_has_its_place_with_what_was_written() -> None:
    cut = pieces(CRITERIA.read_text(encoding="utf-8"), USE_CASES)
    rules = load_criteria(CRITERIA)
    found = {(p[0], p[1]): float(p[2]) for p in cut if not isinstance(p, str) and len(p) > 2}
    assert found == {
        (use_case, name): points
        for use_case in USE_CASES
        for name, points in rules.use_cases[use_case].weights.items()
    }


@given(points=st.floats(min_value=0, max_value=1000).map(lambda value: round(value, 2)))
def test_a_changed_weight_is_read_back_and_its_comment_stays(points: float) -> None:
    text = HEAD + "  l1proc:\n    weights:\n      a: 1    # why: {1}\n      b: 2\n"
    again = written(pieces(text, ("l1proc",)), {("l1proc", "a"): f"{points}"})
    assert again == text.replace("a: 1 ", f"a: {points} ")


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (
            "\n      a: 1\n      pair: 4   # why\n      b: 2\n",
            "\n      a: 1\n      c: 3\n      d: 1   # why\n      b: 2\n",
        ),
        (" {a: 1, pair: 4}\n", " {a: 1, c: 3, d: 1}\n"),
    ],
)
def test_a_group_may_be_written_as_its_criteria_and_its_comment_stays(weights: str, expected: str) -> None:
    head = "criteria: {}\nobjectives: {pair: {shares: {c: 3, d: 1}}}\nuse_cases:\n  l1proc:\n    weights:"
    cut = pieces(head + weights, ("l1proc",))
    (slot,) = [piece for piece in cut if len(piece) == 5 and not isinstance(piece, str)]
    assert slot[:4] == ["l1proc", "pair", "4", "pair: "]
    assert written(cut, {("l1proc", "pair"): slot[4].join(("c: 3", "d: 1"))}) == head + expected


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (
            "\n      a: 1  # why\n    knock_outs: []\n",
            "\n      a: 1  # why\n      c: 3\n    knock_outs: []\n",
        ),
        (" {a: 1, b: 2}\n", " {a: 1, b: 2, c: 3}\n"),
        ("\n      a: 1", "\n      a: 1\n      c: 3"),
    ],
)
def test_a_weight_can_be_added_after_the_last(weights: str, expected: str) -> None:
    begin = f"{HEAD}  l1proc:\n    weights:"
    assert written(pieces(begin + weights, ("l1proc",)), added="c: 3") == begin + expected


def test_line_ends_of_the_file_are_kept() -> None:
    text = f"{HEAD}  l1proc:\n    weights:\n      a: 1\n".replace("\n", "\r\n")
    assert written(pieces(text, ("l1proc",)), added="c: 3") == text + "      c: 3\r\n"
