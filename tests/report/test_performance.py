"""Pictures and tables of what was measured, for whoever runs the notebook."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_case import make_case

from evaluation.model import CONTROL, CONTROL_AGAIN, Finding, Interval
from evaluation.report import performance
from evaluation.store import Run

CASE = make_case()
CRITERIA = Path("criteria.yaml")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setattr(performance, "load_criteria", lambda _: CASE.criteria)
    monkeypatch.setattr(performance, "findings_of", lambda *_: among(12))
    return Run(tmp_path)


def among(comparisons: int) -> list[Finding]:
    """The case's findings, as settled among so many comparisons."""
    return [
        replace(finding, comparisons=comparisons) if finding.comparison else finding
        for finding in CASE.measured[0].findings
    ]


def needed(
    half_width: float, *, estimate: float = 1.0, margin: float = 0.05, comparisons: int = 1
) -> int | None:
    ratio = Interval(
        estimate=estimate, low=estimate / math.exp(half_width), high=estimate * math.exp(half_width)
    )
    return performance.blocks_needed(
        ratio, 20, margin=math.expm1(margin), confidence=0.95, comparisons=comparisons
    )


def test_four_times_the_blocks_halve_an_interval() -> None:
    assert needed(0.1) == 80


def test_more_comparisons_take_more_blocks() -> None:
    # Two comparisons: z rises from 1.960 to 2.2414, the blocks with its square.
    assert needed(0.1, comparisons=2) == 100  # 104.6, in two digits
    assert (needed(0.1, comparisons=25) or 0) > 190


def test_an_interval_that_is_narrow_enough_still_asks_for_half_as_many_again() -> None:
    assert needed(0.01) == 30


def test_no_number_of_blocks_tells_a_ratio_from_the_margin_it_lies_on() -> None:
    assert needed(0.04, estimate=1.25, margin=math.log(1.25)) is None


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


def test_blocks_are_asked_for_among_the_comparisons_of_the_whole_run(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of other groups count, and those of what stands apart do not: as when it was settled."""

    def asked(comparisons: int) -> object:
        monkeypatch.setattr(performance, "findings_of", lambda *_: among(comparisons))
        return performance.unresolved(run, CRITERIA)["would take about"].iloc[0]

    assert asked(4) != asked(400)


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
    assert len(names) == len(set(names)) == html.count('<svg class="plot"')
