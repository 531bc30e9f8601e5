"""One page per site: measured or not, one sheet of A4, nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from decided_case import MANY, decided_case

from evaluation.errors import EvaluationError
from evaluation.manifest import ArchivedFacts, CheckFacts
from evaluation.model import CheckState, Standing
from evaluation.report.onepage import site_page
from evaluation.report.source import Case
from evaluation.sites import list_sites, load_site

ROOT = Path(__file__).parents[2]
PDF = ROOT / "setup" / "pdf"


def case() -> Case:
    """A decided case, with the sites as they are shipped beside it."""
    made = decided_case(runtimes=MANY, unknown=[("cold_start", "docker")])
    shipped = {name: load_site(name, ROOT / "sites") for name in list_sites(ROOT / "sites")}
    return replace(made, sites={**shipped, **{site.site: made.sites[site.site] for site in made.measured}})


def words(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


def test_a_measured_site_has_its_answers_and_an_unmeasured_one_says_so() -> None:
    made = case()
    told = words(site_page(made, "local"))
    for each in made.measured[0].decision.use_cases:
        assert made.criteria.use_cases[each.use_case].title in told
        depends = each.verdicts[0].standing is Standing.DEPENDS
        assert (each.winner or ("it depends" if depends else "no clear winner")) in told
    assert "Measured on" in told
    there = words(site_page(made, "slac"))
    assert "Not measured. Nothing is assumed" in there
    assert "The answers" not in there
    assert "No policy is stated." in there
    assert "declared, age unknown" in there


def test_a_runtime_that_ran_as_no_centre_would_run_it_is_said() -> None:
    made = case()
    (site,) = made.measured
    facts = tuple(
        item.model_copy(update={"impairment": "its storage driver is vfs"}) if item.id == "podman" else item
        for item in site.manifest.runtimes
    )
    run = replace(site, manifest=site.manifest.model_copy(update={"runtimes": facts}))
    told = words(site_page(replace(made, measured=(run,)), "local"))
    assert "podman as no centre would run it: its storage driver is vfs." in told


def test_under_what_conditions_it_was_measured_is_said() -> None:
    made = case()
    (site,) = made.measured
    inside = CheckFacts(
        what="container",
        state=CheckState.CONDITION,
        sentence="this host is a container",
        costs="not like one",
    )
    run = replace(site, manifest=site.manifest.model_copy(update={"checks": (inside,)}))
    told = words(site_page(replace(made, measured=(run,)), "local"))
    assert "This host is a container; not like one." in told


def test_a_long_reason_is_cut_at_the_end_of_a_word_and_shows_it() -> None:
    made = case()
    (site,) = made.measured
    reason = "no runtime of this name " + "was found on the path " * 10
    gone = site.manifest.runtimes[-1].model_copy(update={"present": False, "reason": reason})
    run = replace(
        site,
        manifest=site.manifest.model_copy(update={"runtimes": (*site.manifest.runtimes[:-1], gone)}),
        findings=tuple(finding for finding in site.findings if finding.runtime != gone.id),
    )
    told = words(site_page(replace(made, measured=(run,)), "local"))
    (said,) = re.findall(rf"{gone.id}: (no runtime of this name.*?) \N{{HORIZONTAL ELLIPSIS}}", told)
    assert set(said.split()) <= set(reason.split())


def test_an_import_and_a_loan_are_said() -> None:
    made = case()
    archived = ArchivedFacts(
        format=1, hidden={}, transcripts=1, changed=1, withheld=0, originals={}, outputs={}
    )
    (site,) = made.measured
    assert "imported from an archive" in words(
        site_page(replace(made, measured=(replace(site, archived=archived),)), "local")
    )
    assert "borrowed from another site" in words(
        site_page(replace(made, measured=(replace(site, borrowed_only=True),)), "local")
    )


def test_an_unknown_site_is_refused() -> None:
    with pytest.raises(EvaluationError, match="there is no site 'nowhere'"):
        site_page(case(), "nowhere")


@pytest.mark.browser
@pytest.mark.skipif(
    shutil.which("chromium") is None, reason="chromium is not installed (apt-get install chromium)"
)
@pytest.mark.parametrize("site", ["local", "slac", "cc-in2p3"])
def test_it_prints_on_one_sheet_of_a4(tmp_path: Path, site: str) -> None:
    page = tmp_path / "page.html"
    page.write_text(site_page(case(), site))
    subprocess.run([PDF, page], check=True, capture_output=True)
    printed = (tmp_path / "page.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
    (box,) = {*re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)}
    assert [round(float(each)) for each in box.split()] == [0, 0, 595, 842]
