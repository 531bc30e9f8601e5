"""Weights found in the text of a criteria file, however it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.decide.weighttext import end_of_weights, parsed, weight_places

SHIPPED = (Path(__file__).parents[2] / "criteria.yaml").read_text()
HEAD = "criteria: {}\nuse_cases:\n"


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "  work:\n    weights:\n      a: 1  # why: 3\n      bc: 2.50\n",
        (HEAD + "  work:\n    weights:\n      a: 1\n      bc: 2.50").replace("\n", "\r\n"),
        HEAD + "  work: {weights: {a: 1, bc: 2.50}}\n",
        HEAD + "  work:\n    weights: { bc : 2.50 , a: 1 } # braces\n",
        "\ufeff{criteria: {}, use_cases: {work: {weights: {a: 1, bc: 2.50}}}}",
    ],
)
def test_each_name_and_number_is_where_it_is_said(text: str) -> None:
    places = weight_places(text, parsed(text), "work")
    assert {text[place.start : place.end] for place in places} == {"1", "2.50"}
    for place in places:
        assert text[place.key :].startswith(place.name)
        assert text[place.key : place.start].strip().rstrip(":").strip() == place.name


def test_every_weight_of_the_shipped_file_is_found_in_order() -> None:
    document = parsed(SHIPPED)
    for use_case in document.mapping("use_cases"):
        places = weight_places(SHIPPED, document, use_case)
        given = document.mapping("use_cases", use_case, "weights")
        assert [place.name for place in places] == list(given)
        assert [float(SHIPPED[place.start : place.end]) for place in places] == list(given.values())


def test_the_end_is_behind_the_last_comment_or_within_the_braces() -> None:
    text = HEAD + "  work:\n    weights:\n      a: 1  # why\n    knock_outs: []\n"
    at, before = end_of_weights(text, parsed(text), "work")
    assert (text[:at].splitlines()[-1], before) == ("      a: 1  # why", "\n      ")
    text = HEAD + "  work: {weights: {a: 1, b: 2}}\n"
    at, before = end_of_weights(text, parsed(text), "work")
    assert (text[at:], before) == ("}}\n", ", ")
