"""Numbers become text in one place, and always with their unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import units
from evaluation.model import Interval

TYPEWRITER = str.maketrans(
    {units.NBSP: " ", units.DASH: "-", units.MINUS: "-", units.TIMES: "x", units.MICRO: "u"}
)


def plain(text: str) -> str:
    """A text without its fine typography, so that expectations can be typed."""
    return text.translate(TYPEWRITER)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3.0, "3"),
        (1234.56, "1,230"),
        (2.5, "2.50"),
        (999.9, "1,000"),
        (0.012345, "0.0123"),
        (-2.5, "-2.50"),
        (1.5e-9, "1.50e-09"),
        (float("inf"), "\N{INFINITY}"),
        (float("-inf"), "-\N{INFINITY}"),
        (float("nan"), "not a number"),
    ],
)
def test_a_number_has_three_significant_digits(value: float, text: str) -> None:
    assert plain(units.decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1344, "s", "134 ms"),
        (0.00042, "s", "420 us"),
        (3.2e-9, "s", "3.20 ns"),
        (75.0, "s", "75 s"),
        (0.0, "s", "0 s"),
        (-0.002, "s", "-2 ms"),
        (1_460_000_000, "bytes", "1.46 GB"),
        (216_000_000, "B", "216 MB"),
        (12, "B", "12 B"),
        (5_400_000, "B/s", "5.40 MB/s"),
        (2_500_000, "1/s", "2.50 M/s"),
        (3, "1/s", "3 /s"),
        (12_300, "files/s", "12.3 k files/s"),
        (45, "files/s", "45 files/s"),
        (3.14159, "1", "3.14x"),
        (1.0, "1", "1.00x"),
        (17.52, "1", "17.5x"),
        (131.4, "1", "131x"),
        (0.0523, "1", "0.0523x"),
        (7, "", "7"),
        (7, "events", "7 events"),
    ],
)
def test_a_value_is_scaled_and_keeps_its_unit(value: float, unit: str, text: str) -> None:
    assert plain(units.quantity(value, unit)) == text


def test_the_ends_of_an_interval_share_the_unit_of_the_estimate() -> None:
    assert plain(units.between(Interval(estimate=0.9, low=0.0004, high=1.2), "s")) == "0.400-1,200 ms"
    ratio = Interval(estimate=3.1, low=2.8, high=3.4)
    assert plain(units.between(ratio, "1")) == "2.80-3.40x"
    assert plain(units.between(ratio, "")) == "2.80-3.40"


@pytest.mark.parametrize(
    ("value", "text"), [(0.9999, "> 99 %"), (0.0001, "< 1 %"), (1, "100 %"), (0, "0 %"), (0.934, "93 %")]
)
def test_a_probability_short_of_one_is_never_written_as_certain(value: float, text: str) -> None:
    assert plain(units.percent(value)) == text


@pytest.mark.parametrize(
    ("probability", "word"),
    [
        (1.0, "virtually certain"),
        (0.96, "extremely likely"),
        (0.9, "very likely"),
        (0.7, "likely"),
        (0.5, "about as likely as not"),
        (0.2, "unlikely"),
        (0.06, "very unlikely"),
        (0.02, "extremely unlikely"),
        (0.0, "exceptionally unlikely"),
    ],
)
def test_a_probability_has_a_calibrated_word(probability: float, word: str) -> None:
    assert units.likelihood(probability) == word


def test_times_are_written_in_utc() -> None:
    assert units.moment("2026-11-14T12:30:05+02:00") == "14 November 2026, 10:30:05 UTC"
    assert units.moment("2026-11-14T12:30:05") == "14 November 2026, 12:30:05 UTC"
    assert units.day("2026-11-14T23:30:00-02:00") == "15 November 2026"


def test_what_is_no_time_is_passed_on() -> None:
    assert units.moment("last spring") == "last spring"
    assert units.day("") == ""


def test_counts_agree_with_their_noun() -> None:
    assert plain(units.count(1, "sample")) == "1 sample"
    assert plain(units.count(1200, "sample")) == "1,200 samples"
    assert plain(units.count(2, "use case", "use cases")) == "2 use cases"


def test_digests_and_scores_are_short() -> None:
    assert units.short_digest("sha256:" + "ab" * 32) == "abababababab"
    assert plain(units.share(0.8349)) == "0.83"
    assert plain(units.share(-0.1)) == "-0.10"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.0, 18.96, "0-18.9"),  # the answer flips at 18.96: 19, and still less 20, would be false
        (3.101, 18.96, "3.11-18.9"),
        (3.0, 19.0, "3-19"),
        (2.9999999999999996, 19.000000000000004, "3-19"),  # the arithmetic's own rounding
        (1234.5, 2345.6, "1,240-2,340"),
        (4.56123, 4.56789, "4.562-4.567"),
        (4.5, 4.5, "4.50-4.50"),
        (3.101, float("inf"), "3.11 or more"),
        (0.0, float("inf"), "any"),
        (float("nan"), float("nan"), "none"),
    ],
)
def test_a_range_is_rounded_inward(low: float, high: float, text: str) -> None:
    assert plain(units.within(low, high)) == text


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_at_both_ends_that_a_reader_sees_the_range_still_holds(one: float, other: float) -> None:
    low, high = sorted((one, other))
    told = units.within(low, high).replace(",", "").replace(units.MINUS, "-").split(units.DASH)
    if len(told) == 2:  # else the two ends are as good as one
        slack = 1 + 1e-11
        assert low / slack - 1e-300 <= float(told[0]) <= float(told[1]) <= high * slack + 1e-300


def test_where_something_must_go_is_rounded_so_that_it_is_enough() -> None:
    assert units.reached(20, 18.96) == "18.9"
    assert units.reached(9, 18.91) == "19"
