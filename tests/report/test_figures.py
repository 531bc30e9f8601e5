"""Figures carry their numbers as text, stay inside their frame and need no colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from evaluation.model import Interval
from evaluation.report.figures import (
    RatioRow,
    ScoreRow,
    ValueRow,
    ratio_plot,
    score_plot,
    value_plot,
)

KNOWN = ScoreRow(label="podman", note="behind", tone="plain", low=0.4, high=0.6, value=0.5)
UNKNOWN = ScoreRow(label="shifter", note="not measured here", tone="hollow", low=0.0, high=1.0, value=None)
WORSE = RatioRow(label="docker", note="98.0", tone="down", ratio=Interval(estimate=98, low=90, high=5000))
MISSING = RatioRow(label="shifter", note="not measured", tone="hollow", ratio=None)


def parsed(figure: str) -> ET.Element:
    return ET.fromstring(figure)  # noqa: S314 - our own figure


def positions(figure: str) -> list[float]:
    return [float(found) for found in re.findall(r'"(-?[\d.]+)%"', figure)]


def test_a_figure_has_a_title_and_says_its_numbers_in_words() -> None:
    figure = parsed(score_plot("one", "Scores of a use case", [KNOWN, UNKNOWN]))
    assert figure.get("role") == "img"
    assert figure.get("id") == "one"
    assert figure.findtext("title") == "Scores of a use case"
    assert figure.findtext("desc") == (
        "podman 0.50, from 0.40 to 0.60, behind; shifter from 0.00 to 1.00, not measured here"
    )


def test_rows_that_say_their_numbers_are_read_and_not_said_again() -> None:
    figure = parsed(ratio_plot("one", "Ratios", [WORSE, MISSING], margin=0.05))
    assert figure.get("role") == "group"
    assert figure.find("desc") is None
    texts = [text.text for text in figure.iter("text")]
    assert texts[-4:] == ["docker", "98.0", "shifter", "not measured"]


def test_the_axis_names_its_unit() -> None:
    assert "(no unit)" in score_plot("one", "t", [KNOWN])
    assert "times the bare host (no unit, logarithmic)" in ratio_plot("one", "t", [WORSE], margin=0.05)


def test_an_unknown_score_has_a_row_and_a_range_but_no_point() -> None:
    figure = score_plot("one", "t", [UNKNOWN])
    assert ">shifter</text>" in figure
    assert 'class="range hollow"' in figure
    assert 'class="mark' not in figure


def test_a_missing_ratio_has_a_row_but_neither_range_nor_point() -> None:
    figure = ratio_plot("one", "t", [WORSE, MISSING], margin=0.05)
    assert ">shifter</text>" in figure
    assert figure.count('class="mark') == figure.count('class="range') == 1


def test_points_stand_where_their_value_is() -> None:
    assert 'class="mark plain" x="50%"' in score_plot("one", "t", [KNOWN])
    ratio = RatioRow(label="x", note="", tone="same", ratio=Interval(estimate=1, low=0.5, high=2))
    assert 'class="mark same" x="50%"' in ratio_plot("one", "t", [ratio], margin=0.05)


def test_nothing_is_drawn_outside_the_frame() -> None:
    beyond = ScoreRow(label="x", note="", tone="plain", low=-3, high=9, value=7)
    tiny = RatioRow(label="x", note="", tone="down", ratio=Interval(estimate=1e-9, low=0, high=1e9))
    for figure in (
        score_plot("one", "t", [beyond]),
        ratio_plot("one", "t", [WORSE, tiny], margin=0.05),
    ):
        assert min(positions(figure)) >= 0
        assert max(positions(figure)) <= 100


def test_texts_in_a_figure_are_escaped() -> None:
    row = ScoreRow(label="<b>&\u202e", note="</svg>", tone="plain", low=0, high=1, value=0.5)
    figure = score_plot("one", "<script>", [row])
    assert "&lt;b&gt;&amp;&lt;U+202E&gt;" in figure
    assert "<script>" not in figure
    assert figure.count("</svg>") == figure.count("<svg")


def seconds(label: str, estimate: float) -> ValueRow:
    value = Interval(estimate=estimate, low=estimate * 0.9, high=estimate * 1.1)
    return ValueRow(label=label, note="", tone="plain", value=value)


def test_values_stand_on_decades_of_their_unit() -> None:
    rows = [seconds("host", 0.002), seconds("docker", 0.1), seconds("podman", 0.9)]
    figure = value_plot("one", "t", rows, unit="s", axis="time")
    ticks = re.findall(r'class="tick \w+" x="([\d.]+)%"[^>]*>([^<]+)<', figure)
    assert [label.replace("\N{NO-BREAK SPACE}", " ") for _, label in ticks] == [
        "1 ms",
        "10 ms",
        "100 ms",
        "1 s",
    ]
    assert 'class="mark plain" x="66%"' in figure
    assert "time (logarithmic)" in figure


def test_a_value_that_is_missing_has_a_row_without_a_point() -> None:
    missing = ValueRow(label="shifter", note="not measured", tone="hollow", value=None)
    figure = value_plot("one", "t", [seconds("host", 0.1), missing], unit="s", axis="time")
    assert ">shifter</text>" in figure
    assert figure.count('class="mark') == 1


def test_values_stay_inside_the_frame_however_far_apart() -> None:
    wide = ValueRow(label="x", note="", tone="plain", value=Interval(estimate=1, low=0, high=1e9))
    figure = value_plot("one", "t", [seconds("host", 1e-6), wide], unit="s", axis="time")
    assert min(positions(figure)) >= 0
    assert max(positions(figure)) <= 100


def test_each_row_has_a_track_that_joins_its_label_to_its_point() -> None:
    figure = score_plot("one", "t", [KNOWN, UNKNOWN])
    tracks = re.findall(r'class="track" d="([^"]*)"', figure)
    assert tracks == ["M0 27h1M0 69h1"]
    assert figure.index('class="track"') < figure.index('class="mark')
