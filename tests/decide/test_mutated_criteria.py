"""Ten thousand mutated criteria files: each is refused in words, or makes sense to a second reader.

Half are mutated as values, half as text. What makes sense is told by `nonsense`, which shares no code with
the reader; for mutated values the two have to agree both ways.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nonsense import Pairs, nonsense
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from evaluation.decide.criteria import Criteria, MeasuredCriterion, load_criteria
from evaluation.errors import Fault, FaultyDocumentError

SMALL = Path(__file__).with_name("small-criteria.yaml")
TEXT = SMALL.read_text()
FILES = 5_000
"""Of each kind."""


# ---- reading and writing with repeated keys ---------------------------------------------------------


def plain(node: Any) -> Any:  # noqa: ANN401 - any document
    """Turn a node of the YAML reader into plain values, every key as often as it stands there."""
    if isinstance(node, MappingNode):
        return Pairs((str(key.value), plain(value)) for key, value in node.value)
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.value]
    assert isinstance(node, ScalarNode)
    kind, text = str(node.tag).rpartition(":")[2], str(node.value)
    if kind in {"int", "float"}:
        return float(text) if kind == "float" else int(text)
    return {"bool": text.lower() == "true", "null": None}.get(kind, text)


def read_anew(text: str) -> Any:  # noqa: ANN401 - any document
    return plain(YAML(typ="safe", pure=True).compose(text.removeprefix("\ufeff")))


def scalar(value: Any) -> str:  # noqa: ANN401 - any value
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else f"{'-' if value < 0 else ''}.inf"
    return json.dumps(value)


def written(value: Any, indent: int = 0) -> str:  # noqa: ANN401 - any value
    """Write plain values: blocks on the outside, so that lines can be told apart, braces within."""
    if isinstance(value, Pairs):
        if indent >= 6:
            return "{" + ", ".join(f"{json.dumps(k)}: {written(v, 9)}" for k, v in value) + "}"
        lines = "".join(f"\n{' ' * indent}{json.dumps(k)}: {written(v, indent + 2)}" for k, v in value)
        return lines or "{}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item, 9) for item in value) + "]"
    return scalar(value)


DATA = read_anew(TEXT)


# ---- mutations -------------------------------------------------------------------------------------


VALUES: tuple[Any, ...] = (
    -1, 0, 1, 0.5, 2, 5e-324, 1e308, -1e308, 1e-300, math.nan, math.inf, -math.inf, 10**17, True, None, "",
    " ", "1", "start", "clean", "holm", "FAILS", "linear", "log", "maximise", "minimise", "ratio", "outcome",
    "tied", "\u202e", [], [1], ["start", "rate"], Pairs(), Pairs([("value", 1)]),
    Pairs([("start", 1), ("safe", 1)]),
)  # fmt: skip
KEYS = (
    "start",
    "strat",
    "tidy",
    "clean",
    "quick",
    "performance",
    "reason",
    "value",
    "Upper",
    "",
    "a b",
    "FAILS",
)


def places(value: Any) -> Iterator[tuple[Any, int]]:  # noqa: ANN401 - any value
    """Every mapping and list with each of its positions."""
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield value, at
            yield from places(item[1] if isinstance(value, Pairs) else item)


def at_place(place: tuple[Any, int]) -> Any:  # noqa: ANN401 - any value
    parent, at = place
    return parent[at][1] if isinstance(parent, Pairs) else parent[at]


def copied(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, Pairs):
        return Pairs((key, copied(item)) for key, item in value)
    return [copied(item) for item in value] if isinstance(value, list) else value


def mutate(draw: st.DrawFn, data: Pairs) -> None:
    """Change one thing: drop, repeat, rename, put another value, one from elsewhere, or one a little off."""
    found = list(places(data))
    if not found:
        return
    numbers = [place for place in found if isinstance(at_place(place), int | float)]
    is_number = draw(st.booleans())  # most of what can go wrong is one
    chosen = numbers if numbers and is_number else found
    parent, at = chosen[draw(st.integers(0, len(chosen) - 1))]
    in_pairs = isinstance(parent, Pairs)
    key, value = parent[at] if in_pairs else ("", parent[at])
    how = draw(st.sampled_from(("other", "other", "elsewhere", "off", "drop", "repeat", "rename")))
    if how == "drop":
        del parent[at]
        return
    if how == "repeat":
        parent.insert(draw(st.integers(0, len(parent))), copied(parent[at]))
        return
    if how == "rename" and in_pairs:
        key = draw(st.sampled_from(KEYS))
    elif how == "elsewhere":
        value = copied(at_place(found[draw(st.integers(0, len(found) - 1))]))
    elif how == "off" and isinstance(value, int | float):
        value = draw(
            st.sampled_from((-value, value / 2, value * 2, math.nextafter(value, math.inf), value + 1))
        )
    elif how == "off" and isinstance(value, str):
        value = value[1:] if draw(st.booleans()) else f"{value}x"
    else:
        value = copied(draw(st.sampled_from(VALUES)))
    parent[at] = (key, value) if in_pairs else value


@st.composite
def other_values(draw: st.DrawFn) -> Pairs:
    data: Pairs = copied(DATA)
    for _ in range(draw(st.integers(1, 3))):
        mutate(draw, data)
    return data


BITS = (
    "", " ", "\n", "  ", "\t", ":", ": ", "-", "- ", "[", "]", "{", "}", "'", '"', "#", " #", "&a ", "*a",
    "!", "!!int ", "|", ">", "%", "@", "? ", "<<: ", "---\n", "...\n", "\x00", "\x85", "\ufeff", "\u2028",
    "\\ud800", "\u00e9", "\U0001f600", "null", "true", "0", "-1", "1e999", ".nan", "0x10", "1_0", "9" * 30,
    "2017-06-06", "value", "=", "\r\n",
)  # fmt: skip


@st.composite
def other_texts(draw: st.DrawFn) -> str:
    """The text with up to three pieces of it cut out, moved, repeated or replaced."""
    text = TEXT
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 0, 1, 1, 2, 5, 20, 200))))
        other = draw(st.integers(0, len(text)))
        moved = text[other : other + draw(st.sampled_from((1, 10, 60)))]
        text = text[:start] + draw(st.sampled_from((*BITS, moved, moved, moved))) + text[end:]
    return text


# ---- what has to hold ------------------------------------------------------------------------------


def judged(path: Path, text: str) -> Criteria | None:
    """Load it; a refusal has to have words and places."""
    path.write_text(text, encoding="utf-8", newline="")
    faults: tuple[Fault, ...] = ()
    try:
        return load_criteria(path)
    except FaultyDocumentError as error:
        faults = error.faults
    lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
    assert faults
    assert all(1 <= fault.line <= lines and fault.column >= 1 and fault.message for fault in faults)
    return None


def can_be_used(rules: Criteria) -> None:
    """Reckon with what was accepted: weights and scores are numbers."""
    for use_case in rules.use_cases:
        weights = rules.weights(use_case)
        assert all(math.isfinite(points) and points >= 0 for points in weights.values())
        assert 0 < math.fsum(weights.values()) < math.inf
    for row in rules.criteria.values():
        if isinstance(row, MeasuredCriterion):
            figures = (row.scale.worst, row.scale.best, 0.0, -1e300, 1e300, 5e-324)
            scores = [row.scale.score(figure) for figure in figures]
            assert scores[:2] == pytest.approx([0, 1])
            assert all(0 <= score <= 1 for score in scores)


def test_the_file_that_is_mutated_makes_sense(tmp_path: Path) -> None:
    assert nonsense(DATA) == []
    assert judged(tmp_path / "criteria.yaml", TEXT)
    assert judged(tmp_path / "criteria.yaml", written(DATA))
    assert read_anew(written(DATA)) == DATA


def test_five_thousand_files_with_other_values_are_accepted_exactly_if_they_make_sense(
    tmp_path: Path,
) -> None:
    counts: Counter[bool] = Counter()

    @settings(max_examples=FILES)
    @given(data=other_values())
    def one(data: Pairs) -> None:
        rules, wrong = judged(tmp_path / "criteria.yaml", written(data)), nonsense(data)
        counts[rules is not None] += 1
        assert (rules is None) == bool(wrong), wrong or "refused, and makes sense"
        if rules:
            can_be_used(rules)

    one()
    assert counts.total() >= FILES
    assert min(counts.values()) > FILES / 20, counts


def test_five_thousand_files_with_other_text_are_refused_in_words_or_make_sense(tmp_path: Path) -> None:
    counts: Counter[bool] = Counter()

    @settings(max_examples=FILES)
    @given(text=other_texts())
    def one(text: str) -> None:
        rules = judged(tmp_path / "criteria.yaml", text)
        counts[rules is not None] += 1
        if rules:
            assert nonsense(read_anew(text)) == []
            can_be_used(rules)

    one()
    assert counts.total() >= FILES
    assert min(counts.values()) > FILES / 20, counts
