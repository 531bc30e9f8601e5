"""The additive value: worked by hand, against pymcdm, and by its laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import WEIGHTS, criteria, finding, measured, row
from pymcdm.methods import WSM
from pymcdm.normalizations import minmax_normalization

from evaluation.decide.value import UNKNOWN, criterion_rows, criterion_score, refuse_unlike, total
from evaluation.errors import EvaluationError
from evaluation.model import Finding, Outcome, Score

scores = st.floats(0, 1).map(lambda value: Score(value=value, low=value, high=value))
weights = st.floats(0.01, 100)


@pytest.mark.parametrize(
    ("name", "found", "expected"),
    [
        ("start", measured("a", "start", 1.0, noise=0), 0.5),  # halfway from 10 s to 0.1 s by ratio
        ("start", measured("a", "start", 0.01, noise=0), 1.0),  # beyond the best nothing changes
        ("rate", measured("a", "rate", 4.5, control=5.0, noise=0), 0.9),
        ("tidy", replace(finding("a", "tidy", Outcome.SOMETIMES), held=5, turns=6), 5 / 6),
        ("start", finding("a", "start", Outcome.UNSUPPORTED), 0.0),
        ("start", finding("a", "start", Outcome.FAILS), 0.0),
        ("tidy", finding("a", "tidy", Outcome.HOLDS), 1.0),
        ("tidy", finding("a", "tidy", Outcome.UNSUPPORTED), 0.0),
    ],
)
def test_evidence_has_its_place_on_the_declared_scale(name: str, found: Finding, expected: float) -> None:
    score = criterion_score(criteria().criteria[name], found)
    assert score.value == pytest.approx(expected)
    assert score.low == score.high == score.value


@pytest.mark.parametrize(
    "found",
    [
        None,
        *(finding("a", "start", out) for out in (Outcome.UNAVAILABLE, Outcome.INERT, Outcome.ERROR)),
        measured("a", "start", 1.0, blocks=2),
    ],
)
def test_what_is_not_known_is_the_whole_scale(found: Finding | None) -> None:
    assert criterion_score(criteria().criteria["start"], found) == UNKNOWN
    if found is None or found.outcome is not Outcome.MEASURED:
        assert criterion_score(criteria().criteria["tidy"], found) == UNKNOWN


def test_a_criterion_in_another_unit_is_refused() -> None:
    with pytest.raises(EvaluationError, match=r"'ms', its probe records 's'"):
        criterion_score(criteria(start_unit="ms").criteria["start"], measured("a", "start", 1.0))


def test_a_total_by_hand() -> None:
    known = {
        name: Score(value=value, low=value, high=value) for name, value in (("start", 0.5), ("rate", 1.0))
    }
    score, contributions = total(WEIGHTS, known)
    assert score.value is None
    assert (score.low, score.high) == pytest.approx((0.5, 0.8))
    assert [name for name, _ in contributions] == ["start", "rate", "tidy", "safe"]
    assert contributions[2][1] == Score(value=None, low=0.0, high=0.2)


def test_the_fighter_aircraft_of_hwang_and_yoon_by_simple_additive_weighting() -> None:
    # C. L. Hwang and K. Yoon, Multiple Attribute Decision Making (1981): shares of the best in each column
    # (the cost turned round), rounded to two decimals as there; weights and totals are theirs.
    weights = dict(zip("abcdef", (0.2, 0.1, 0.1, 0.1, 0.2, 0.3), strict=True))
    aircraft = (
        ((0.80, 0.56, 0.95, 0.82, 0.71, 1.00), 0.835),
        ((1.00, 1.00, 0.86, 0.69, 0.43, 0.56), 0.709),
        ((0.72, 0.74, 1.00, 1.00, 1.00, 0.78), 0.852),
        ((0.88, 0.67, 0.95, 0.90, 0.71, 0.56), 0.738),
    )
    for values, expected in aircraft:
        known = {name: Score(value=v, low=v, high=v) for name, v in zip(weights, values, strict=True)}
        assert total(weights, known)[0].value == pytest.approx(expected, abs=0.001)


def test_no_weight_at_all_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no criterion has any weight"):
        total({"start": 0.0}, {})


@given(st.integers(2, 8), st.integers(2, 10), st.data())
def test_the_total_is_that_of_pymcdm(runtimes: int, size: int, data: st.DataObject) -> None:
    values = np.array(data.draw(st.lists(st.lists(st.floats(0, 1), min_size=size, max_size=size),
                                         min_size=runtimes, max_size=runtimes)))  # fmt: skip
    points = np.array(data.draw(st.lists(weights, min_size=size, max_size=size)))
    # the oracle only knows observed scales: a perfect and a hopeless row declare the scale to it
    framed = np.vstack([values, np.ones(size), np.zeros(size)])
    oracle = WSM(normalization_function=minmax_normalization)
    expected = oracle(framed, points / points.sum(), np.ones(size), validation=False)[:runtimes]
    names = [f"c{index}" for index in range(size)]
    ours = [
        total(
            dict(zip(names, points, strict=True)),
            {n: Score(value=v, low=v, high=v) for n, v in zip(names, line, strict=True)},
        )[0].value
        for line in values.tolist()
    ]
    assert ours == pytest.approx(expected.tolist(), abs=1e-9)


@given(st.dictionaries(st.sampled_from(list(WEIGHTS)), scores), st.data())
def test_removing_evidence_never_raises_low_nor_lowers_high(
    known: dict[str, Score], data: st.DataObject
) -> None:
    kept = {name: score for name, score in known.items() if data.draw(st.booleans(), label=name)}
    before, after = total(WEIGHTS, known)[0], total(WEIGHTS, kept)[0]
    assert after.low <= before.low
    assert after.high >= before.high


@given(
    st.fixed_dictionaries(dict.fromkeys(WEIGHTS, scores)),
    st.permutations(list(WEIGHTS)),
    st.floats(1e-3, 1e3),
)
def test_neither_the_order_nor_the_size_of_weights_matters(
    known: Mapping[str, Score], order: list[str], factor: float
) -> None:
    shuffled = {name: WEIGHTS[name] * factor for name in order}
    before, after = total(WEIGHTS, known)[0].value, total(shuffled, known)[0].value
    assert after == pytest.approx(before, abs=1e-12)


@given(st.fixed_dictionaries(dict.fromkeys(WEIGHTS, scores | st.just(UNKNOWN))))
def test_the_contributions_add_up_to_the_score(known: Mapping[str, Score]) -> None:
    score, contributions = total(WEIGHTS, known)
    assert sum(part.low for _, part in contributions) == pytest.approx(score.low)
    assert sum(part.high for _, part in contributions) == pytest.approx(score.high)


def test_there_is_a_row_for_every_criterion_and_runtime_and_none_for_the_second_host_arm() -> None:
    again = replace(measured("host", "start", 1.0), runtime="host-again")
    rows = criterion_rows([*row("b", start=None), *row("host"), again], criteria())
    assert [(each.criterion, each.runtime) for each in rows] == [
        (name, runtime) for name in WEIGHTS for runtime in ("b", "host")
    ]
    assert rows[0].score == UNKNOWN
    assert rows[0].finding is None


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (replace(finding("b", "tidy", Outcome.HOLDS), site="there"), "site"),
        (replace(finding("b", "tidy", Outcome.HOLDS), run="yesterday"), "run"),
        (replace(finding("b", "tidy", Outcome.HOLDS), probe_version=2), "probe version"),
        (replace(finding("b", "tidy", Outcome.HOLDS), image_digest="sha256:2"), "image"),
        (
            replace(measured("b", "start", 1.0), texts=replace(measured("b", "start", 1.0).texts, unit="ms")),
            "unit",
        ),
        (finding("a", "tidy", Outcome.FAILS), "two findings"),
    ],
)
def test_only_like_joins_like(other: Finding, complaint: str) -> None:
    refuse_unlike(row("a"))
    with pytest.raises(EvaluationError, match=complaint):
        refuse_unlike([*row("a"), other])


def test_what_is_no_evidence_may_differ() -> None:
    refuse_unlike([*row("a"), replace(finding("b", "tidy", Outcome.ERROR), probe_version=2)])
