"""What a move of a slider costs in the report: from the new weights to the new answer, in real Chromium.

The reference run's findings, and the same ones under further names: as many runtimes, sites and weighed
criteria as a large report has. What is timed is the page's own redraw, which it marks itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.record import CONFIDENCE, Part, of_interval
from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.findings import findings_of
from evaluation.decide.score import decide
from evaluation.errors import EvaluationError
from evaluation.model import CONTROL, CONTROL_AGAIN, Finding
from evaluation.report import chapters
from evaluation.report.build import script
from evaluation.report.markup import Chapter
from evaluation.report.source import Case, SiteCase
from evaluation.sites import load_site
from evaluation.statistics import median_interval
from evaluation.store import find_runs

__all__ = ["redraw"]

MOVES = 60
FRAME_MS = 16.0
SIZES = {"as the reference run": (0, 1, 0), "8 runtimes, 3 sites, 60 criteria": (8, 3, 60)}
"""Runtimes (0: as they are), sites, and weighed criteria (0: as they are)."""


def redraw(scratch: Path) -> Part:
    """Move sliders, and take the times that the page measured."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise EvaluationError("chromium is not installed", advice="apt-get install chromium")
    taken: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, (runtimes, sites, criteria) in SIZES.items():
            page = browser.new_page()
            path = scratch / "page.html"
            path.write_text(_page(chapters.what_if(_case(runtimes, sites, criteria))), encoding="utf-8")
            page.goto(path.as_uri())
            taken[name] = [ms / 1000 for ms in page.evaluate(_MOVE, MOVES)]
        browser.close()
    return Part(
        name="redraw",
        title="A slider of the what-if chapter",
        answer=f"From new weights to the new answer and all scenarios; a frame lasts {FRAME_MS:.0f} ms.",
        rows=tuple(
            of_interval(name, median_interval(seconds, confidence=CONFIDENCE), "s", f"{len(seconds)} moves")
            for name, seconds in taken.items()
        ),
        raw=taken,
    )


_MOVE = """async (moves) => {
  const sliders = [...document.querySelectorAll("input[type=range]")];
  performance.clearMeasures();
  for (let move = 0; move < moves; move++) {
    const slider = sliders[move % sliders.length];
    slider.value = Number(slider.value) > 20 ? 3 : 30;
    slider.dispatchEvent(new Event("input"));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
  return performance.getEntriesByType("measure").map(({ duration }) => duration);
}"""


def _page(chapter: Chapter) -> str:
    return f"<!doctype html>{chapter.html}<script>{script()}</script>"


def _case(runtimes: int, sites: int, criteria: int) -> Case:
    """The reference run, and the same under further names."""
    root = Path(__file__).parents[1]
    rules = _enlarged(load_criteria(root / "criteria.yaml"), criteria)
    (run,) = [run for run in find_runs(root / "results") if run.manifest.label]
    found = tuple(_enlarged_findings(findings_of(run, rules), runtimes))
    here = load_site(run.manifest.site, root / "sites")
    measured = tuple(
        SiteCase(
            manifest=run.manifest,
            folder=f"{here.id}/{number}",
            finished_at=run.finished_at,
            findings=found,
            evidence={},
            outputs={},
            decision=decide(found, rules, here),
        )
        for number in range(sites)
    )
    return Case(criteria=rules, sites={here.id: here}, measured=measured)


def _enlarged(rules: Criteria, wanted: int) -> Criteria:
    """Weigh criteria of all groups under further names, until so many have weight."""
    weighed = dict.fromkeys(name for use_case in rules.use_cases for name in rules.weights(use_case))
    added = {f"{name}-{n}": rules.criteria[name] for n in range(2, 9) for name in weighed}
    more = dict([*added.items()][: max(0, wanted - len(weighed))])
    use_cases = {
        name: use_case.model_copy(update={"weights": {**use_case.weights, **dict.fromkeys(more, 3.0)}})
        for name, use_case in rules.use_cases.items()
    }
    return rules.model_copy(update={"criteria": {**rules.criteria, **more}, "use_cases": use_cases})


def _enlarged_findings(found: Sequence[Finding], wanted: int) -> Sequence[Finding]:
    names = sorted({finding.runtime for finding in found} - {CONTROL, CONTROL_AGAIN})
    more = [(f"{name}-{n}", name) for n in range(2, 9) for name in names][: max(0, wanted - len(names))]
    return [
        *found,
        *(
            replace(finding, runtime=new)
            for new, name in more
            for finding in found
            if finding.runtime == name
        ),
    ]
