"""The packages' part of chapter 11: which package could run where, why, and what stands in the way."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from synthetic_case import make_case

from evaluation.inventory import load_inventory
from evaluation.model import Finding, Outcome
from evaluation.report.chapters import packages
from evaluation.report.source import Case
from evaluation.sites import Policy, SiteKnockOut, load_site

ROOT = Path(__file__).parents[2]
INVENTORY = load_inventory(ROOT / "inventory.yaml")
NEEDED = {need.criterion for package in INVENTORY.packages for need in package.needs if need.criterion}


def case_with(*failing: str, without: tuple[str, ...] = ()) -> Case:
    """The made-up case with a finding of every needed probe in every runtime that was measured."""
    made = make_case()
    site = made.measured[0]
    model = next(finding for finding in site.findings if finding.outcome is Outcome.HOLDS)
    row = next(row for row in made.criteria.criteria.values() if row.figure == "outcome")
    extra: list[Finding] = []
    for name in sorted(NEEDED - set(without)):
        outcome = Outcome.FAILS if name in failing else Outcome.HOLDS
        texts = replace(model.texts, remedy=f"mend {name}")
        extra += [
            replace(
                model, probe=name, runtime=runtime, outcome=outcome, message=f"{name} {outcome}", texts=texts
            )
            for runtime in site.measured
        ]
    kept = tuple(finding for finding in site.findings if finding.probe not in NEEDED)
    rules = made.criteria.model_copy(
        update={
            "criteria": {
                **made.criteria.criteria,
                **{name: row.model_copy(update={"probe": name}) for name in NEEDED},
            }
        }
    )
    return replace(
        made,
        criteria=rules,
        inventory=INVENTORY,
        measured=(replace(site, findings=(*kept, *extra)),),
    )


def page(case: Case) -> BeautifulSoup:
    return BeautifulSoup(packages(case).html, "html.parser")


def words(element: Tag | None) -> str:
    assert element is not None
    return re.sub(r"\s+", " ", element.get_text(" ")).strip()


def answer(case: Case, package: str) -> list[str]:
    rows = page(case).select("table.packages tbody tr")
    row = next(row for row in rows if words(row).startswith(package))
    return [words(cell) for cell in row.find_all("td")]


def detail(case: Case, package: str) -> str:
    return next(words(item) for item in page(case).select("details.package") if package in words(item))


def test_without_an_inventory_the_chapter_says_how_to_get_one() -> None:
    assert "evaluation validate" in words(page(make_case()))


def test_glastrelease_at_lyon_is_answered_and_the_borrowed_evidence_is_said_to_be() -> None:
    case = case_with()
    lyon_itself = load_site("cc-in2p3", ROOT / "sites")
    case = replace(case, sites={**case.sites, "cc-in2p3": lyon_itself})
    head = [words(cell) for cell in page(case).select("table.packages thead th")]
    lyon = next(index for index, title in enumerate(head) if title.startswith("CC-IN2P3"))
    assert "not measured answered by the evidence of" in head[lyon]
    cell = answer(case, "GlastRelease")[lyon - 1]
    assert cell.startswith("apptainer-sandbox with care because of image padded, its open questions then")
    assert "Said about containers at CC-IN2P3" in words(page(case))
    assert "Lyon wants to use Singularity" in words(page(case))


def test_a_policy_of_the_site_that_is_asked_about_takes_a_runtime_out_there_alone() -> None:
    case = case_with()
    rule = SiteKnockOut(runtime="apptainer-sandbox", reason="r", source="s")
    sites = dict(case.sites)
    sites["cc-in2p3"] = sites["cc-in2p3"].model_copy(update={"policy": Policy(knock_outs=(rule,))})
    here, *others = answer(replace(case, sites=sites), "GlastRelease")
    assert here.startswith("apptainer-sandbox")
    lyon = next(cell for cell in others if "out for this use case: apptainer-sandbox" in cell)
    assert not lyon.startswith("apptainer-sandbox")


def test_what_stands_in_the_way_of_halfpipe_is_said_with_what_would_help() -> None:
    text = detail(case_with("qt_offscreen"), "Halfpipe")
    assert "What stands in the way of Halfpipe qt_offscreen not met in " in text
    assert "What would help: mend qt_offscreen" in text
    assert "Commercial Qt !?" in text
    assert answer(case_with("qt_offscreen"), "Halfpipe")[0].startswith("blocked in every runtime")


def test_what_nobody_asked_is_not_known() -> None:
    assert answer(case_with(without=("qt_offscreen",)), "Halfpipe")[0].startswith("not known")


def test_each_need_links_to_its_evidence() -> None:
    case = case_with()
    (first, *_) = page(case).select("details.package tbody a")
    assert re.fullmatch(r"#s0-\d+-\d+", str(first["href"]))


def test_the_page_s_table_has_every_row_with_its_marks() -> None:
    rows = [words(row) for row in page(case_with()).select("table.inventory tbody tr")]
    assert [row.split(" RHEL")[0] for row in rows] == [package.name for package in INVENTORY.packages]
    assert "unlikely (error)" in rows[1]
    assert "(tick)" in rows[3]
