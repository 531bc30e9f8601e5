"""Pictures and tables of what was measured, for whoever runs the notebook."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from synthetic_case import make_case

from evaluation.model import CONTROL, CONTROL_AGAIN, Interval
from evaluation.report import performance
from evaluation.store import Run

CASE = make_case()
CRITERIA = Path("criteria.yaml")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setattr(performance, "load_criteria", lambda _: CASE.criteria)
    monkeypatch.setattr(performance, "findings_of", lambda *_: CASE.measured[0].findings)
    return Run(tmp_path)


def test_four_times_the_blocks_halve_an_interval() -> None:
    ratio = Interval(estimate=1.0, low=math.exp(-0.1), high=math.exp(0.1))
    assert performance.blocks_needed(ratio, 20, margin=math.expm1(0.05)) in {80, 81}


def test_a_narrow_interval_still_asks_for_more_than_there_was() -> None:
    ratio = Interval(estimate=1.0, low=math.exp(-0.01), high=math.exp(0.01))
    assert performance.blocks_needed(ratio, 20, margin=math.expm1(0.05)) == 21


def test_no_number_of_blocks_tells_a_ratio_from_the_margin_it_lies_on() -> None:
    ratio = Interval(estimate=1.25, low=1.2, high=1.3)
    assert performance.blocks_needed(ratio, 20, margin=0.25) is None


def test_every_comparison_is_in_one_table_or_the_other(run: Run) -> None:
    settled, unsettled = performance.resolved(run, CRITERIA), performance.unresolved(run, CRITERIA)
    compared = {
        (finding.probe, finding.runtime)
        for finding in CASE.measured[0].findings
        if finding.comparison is not None and finding.runtime not in {CONTROL, CONTROL_AGAIN}
    }
    assert set(settled.index) | set(unsettled.index) == compared
    assert not set(settled.index) & set(unsettled.index)
    assert list(unsettled.index) == [("import_storm", "docker")]
    assert unsettled["would take about"].iloc[0].endswith("blocks")
    assert set(settled["verdict"]) == {"better", "worse", "equivalent"}


def test_without_a_comparison_the_tables_are_empty_and_keep_their_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "findings_of", lambda *_: ())
    assert performance.resolved(run, CRITERIA).empty
    assert "would take about" in performance.unresolved(run, CRITERIA).columns
    assert performance.pictures(run, CRITERIA).figures == ()


def test_pictures_bring_their_style_and_no_duplicate_ids(run: Run) -> None:
    html = performance.pictures(run, CRITERIA)._repr_html_()
    assert html.startswith("<style>")
    assert "cold_start, seconds" in html
    names = [part.split('"')[0] for part in html.split('id="')[1:]]
    assert len(names) == len(set(names)) == 2 * html.count('<svg class="plot"')
