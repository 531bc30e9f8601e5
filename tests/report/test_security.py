"""The security chapter: what each runtime changes, the matrix, its switches, and both sides of a cell."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup, Tag
from synthetic_case import executed, make_case
from synthetic_checklist import MODES, NUMBERS, checklist_case
from synthetic_findings import ABSENT, WHY_ABSENT

from evaluation.model import Delta, Outcome, Severity
from evaluation.report import chapters
from evaluation.report.build import page as build_page
from evaluation.report.chapters.security import FILTERED
from evaluation.report.markup import TEMPLATES
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase

SMALL, LARGE = make_case(), checklist_case()


def place(case: Case, probe: str, runtime: str) -> str:
    return Places(case).cell(case.measured[0], probe, runtime)


def soup_of(case: Case) -> BeautifulSoup:
    return BeautifulSoup(chapters.security(case).html, "html.parser")


SOUP, MANY = soup_of(SMALL), soup_of(LARGE)


def words(element: Tag | None) -> str:
    assert element is not None
    return re.sub(r"\s+", " ", element.get_text(" ")).strip()


def row(soup: BeautifulSoup, table: str, name: str) -> str:
    rows = soup.select(f"table.{table} tbody tr")
    return next(words(found) for found in rows if words(found).startswith(name))


def with_site(case: Case, site: SiteCase) -> Case:
    return replace(case, measured=(site,))


def test_the_summary_names_what_each_runtime_adds_by_severity() -> None:
    docker = row(SOUP, "changes", "docker unprivileged")
    added = "P01 host root identity , P15 setuid planting , P39 host filesystem bind"
    assert added not in docker  # the bare host showed nothing of P15
    assert (
        "P01 host root identity , P39 host filesystem bind none seen none seen P29 , P33 , P36 P15" in docker
    )
    assert "none seen none seen none seen P05 , P06 P15" in row(SOUP, "changes", "apptainer unprivileged")


def test_nothing_is_summed() -> None:
    for found in SOUP.select("table.changes td, table.attempts td"):
        assert not re.fullmatch(r"[\d./ %]+", words(found))


def test_a_runtime_in_which_nothing_was_attempted_is_named_with_the_reason_and_has_no_column() -> None:
    assert f"{ABSENT} ({WHY_ABSENT})" in words(SOUP.select_one("p.absent"))
    assert ABSENT not in words(SOUP.select_one("table.attempts thead"))


def test_an_attempt_that_was_made_nowhere_is_named_with_the_reason() -> None:
    site = SMALL.measured[0]
    findings = tuple(
        replace(f, outcome=Outcome.UNAVAILABLE, verdict="", message="no user namespaces here")
        if f.texts.checklist_id == "P36"
        else f
        for f in site.findings
    )
    soup = soup_of(with_site(SMALL, replace(site, findings=findings)))
    assert "P36 environment secret inheritance (no user namespaces here)" in words(soup)
    assert not [link for link in soup.select("table.attempts th a") if words(link) == "P36"]


def test_the_matrix_holds_every_attempt_against_the_bare_host() -> None:
    assert row(SOUP, "attempts", "P01").startswith("P01 high host root identity denied added exposed")
    assert "exposed same same taken denied" in row(SOUP, "attempts", "P05"), "what is the same is said once"
    assert "taken denied" in row(SOUP, "attempts", "P33")
    assert "inert unknown exposed unknown denied" in row(SOUP, "attempts", "P15")


def test_the_attempts_stand_in_the_areas_of_the_checklist() -> None:
    titles = [words(title) for title in MANY.select("table.attempts tr.group th")]
    assert titles == [
        "Privilege",
        "Mounts and devices",
        "Kernel surface",
        "Isolation between users and jobs",
        "The batch contract",
        "Supply chain",
    ]
    first = MANY.select_one("table.attempts tbody")
    assert first is not None
    codes = [words(link) for link in first.select("th[scope=row] a")]
    assert codes[0] == "P01"
    assert codes[-1] == "P25"


def test_an_attempt_of_no_known_number_is_shown_all_the_same() -> None:
    site = SMALL.measured[0]
    findings = tuple(
        replace(f, texts=replace(f.texts, checklist_id="P99")) if f.texts.checklist_id == "P36" else f
        for f in site.findings
    )
    soup = soup_of(with_site(SMALL, replace(site, findings=findings)))
    assert "Further attempts" in words(soup.select("table.attempts tr.group")[-1])
    assert row(soup, "attempts", "P99")


@pytest.mark.parametrize("soup", [SOUP, MANY], ids=["small", "large"])
def test_every_link_arrives_in_the_chapter(soup: BeautifulSoup) -> None:
    links = [str(link["href"]) for link in soup.select("a[href^='#']")]
    assert len(links) > 50
    for link in set(links):
        assert link.startswith("#probe-") or soup.find(id=link.removeprefix("#")), link  # the catalogue's


def test_every_cell_with_a_finding_opens_a_transcript() -> None:
    cells = MANY.select("table.attempts tr:not(.group) td")
    assert len(cells) == len(NUMBERS) * (len(MODES) - 1)
    assert all(cell.select_one("a") for cell in cells)
    assert all(MANY.find(id=str(link["href"])[1:]) for cell in cells for link in cell.select("a"))


def test_a_transcript_has_both_sides_the_verdict_and_the_evidence() -> None:
    cell = MANY.find(id=place(LARGE, "made_up_attempt_p01", "docker"))
    assert isinstance(cell, Tag)
    text = words(cell)
    assert words(cell.h4).startswith("docker")
    assert words(cell.h4).endswith("absent the runtime took this away")
    (sent,) = (words(sent) for sent in cell.select("pre.sent"))
    told = sent[sent.index("docker: inside, exit status 0 after") :]
    assert told.index("$ /usr/bin/docker run --rm") < told.index('{"what": "made_up_attempt_p01"')
    assert told.index('{"what"') < told.index("on the host, by the verifier: ")
    assert told.index("the attempt's effect: no") < told.index("on the host, exit status 0 after")
    finding = LARGE.measured[0].cells["made_up_attempt_p01", "docker"]
    for identifier in finding.evidence:
        assert f"evidence {identifier[:12]}" in text


def test_an_attempt_says_how_severe_an_exposure_is_and_why() -> None:
    attempt = MANY.find(id="attempt-made-up-attempt-p01")
    assert isinstance(attempt, Tag)
    assert "Severity high . Made up: what an exposure is worth" in words(attempt)
    assert attempt.select_one("a[href='#probe-made-up-attempt-p01']")
    first = attempt.select("article")[0]
    assert words(first).startswith("host exposed the control")


def test_a_process_that_two_attempts_rest_on_is_shown_once() -> None:
    site = LARGE.measured[0]
    lent = site.cells["made_up_attempt_p01", "docker"].evidence
    findings = tuple(
        replace(f, evidence=lent) if (f.texts.checklist_id, f.runtime) == ("P02", "docker") else f
        for f in site.findings
    )
    soup = soup_of(with_site(LARGE, replace(site, findings=findings)))
    text = words(soup)
    assert text.count(f", evidence {lent[0][:12]}") == 1
    second = soup.find(
        id=place(with_site(LARGE, replace(site, findings=findings)), "socket_reachability_p02", "docker")
    )
    assert isinstance(second, Tag)
    first = place(LARGE, "made_up_attempt_p01", "docker")
    assert [link["href"] for link in second.select("a")] == [f"#{first}"] * 2


def test_the_positive_control_stands_apart() -> None:
    last = MANY.select("table.changes tbody")[-1]
    assert words(last).startswith("Positive control: weakened on purpose")
    assert [words(name).split()[0] for name in last.select("tr:not(.group) th")] == ["docker-unsafe"]
    heads = MANY.select("table.attempts thead th")
    assert words(heads[-1]) == "docker-unsafe positive control"
    assert "docker-unsafe" not in words(MANY.select("table.changes tbody")[0])


def test_what_only_the_positive_control_adds_is_not_said_to_be_changed() -> None:
    site = LARGE.measured[0]
    findings = tuple(
        replace(f, delta=Delta.SAME if f.delta and f.runtime != "docker-unsafe" else f.delta)
        for f in site.findings
    )
    soup = soup_of(with_site(LARGE, replace(site, findings=findings)))
    assert len(soup.select("table.attempts tr.plain")) == len(NUMBERS)


def test_each_column_has_a_switch_and_the_style_sheet_a_rule_for_it() -> None:
    style = (TEMPLATES / "page" / "report.css").read_text(encoding="utf-8")
    switches = MANY.select(".filter input:not(.changed)")
    assert len(switches) == len(MODES) - 1
    for number, switch in enumerate(switches):
        assert switch["class"] == [f"k{number}"]
        assert switch.has_attr("checked")
    for number in range(FILTERED):
        column = f":is(.c{number}, .attempts tr > :nth-child({number + 2}))"
        assert f".checked:has(.k{number}:not(:checked)) {column}" in style


def test_an_attempt_that_nobody_rated_counts_as_high() -> None:
    site = SMALL.measured[0]
    findings = tuple(replace(f, texts=replace(f.texts, severity=None)) for f in site.findings)
    soup = soup_of(with_site(SMALL, replace(site, findings=findings)))
    assert "P01 host root identity , P39" in row(soup, "changes", "docker unprivileged")
    assert row(soup, "attempts", "P01").startswith("P01 not rated")


def test_findings_of_an_older_version_are_not_known_and_not_lost() -> None:
    site = SMALL.measured[0]
    findings = tuple(replace(f, delta=None) for f in site.findings)
    soup = soup_of(with_site(SMALL, replace(site, findings=findings)))
    assert "none seen none seen none seen nothing seen P01" in row(soup, "changes", "docker unprivileged")
    assert "unknown exposed" in row(soup, "attempts", "P01")


def test_without_an_attempt_the_chapter_says_so() -> None:
    site = SMALL.measured[0]
    findings = tuple(f for f in site.findings if not f.texts.checklist_id)
    text = words(soup_of(with_site(SMALL, replace(site, findings=findings))))
    assert text.startswith("No attempt was made in this run.")


def test_two_sites_have_a_part_and_switches_each() -> None:
    first = SMALL.measured[0]
    second = replace(first, folder="local/later", manifest=first.manifest.model_copy(update={"run": "later"}))
    soup = soup_of(replace(SMALL, measured=(first, second)))
    assert len(soup.select(".checked > fieldset, .checked .filter")) == 2
    identifiers = [str(element["id"]) for element in soup.select("[id]")]
    assert len(identifiers) == len(set(identifiers))


def test_a_long_output_is_cut_with_its_hash_and_byte_count() -> None:
    site = SMALL.measured[0]
    finding = site.cells["host_root_identity", "docker"]
    evidence = site.evidence[finding.evidence[0]]
    long = replace(evidence, stdout_bytes=1_000_000)
    outputs = {**site.outputs, evidence.stdout: b"x" * 1_000_000}
    case = with_site(SMALL, replace(site, evidence={**site.evidence, evidence.id: long}, outputs=outputs))
    cell = soup_of(case).find(id=place(case, "host_root_identity", "docker"))
    assert isinstance(cell, Tag)
    assert f"of 1,000,000 bytes of stdout left out, SHA-256 {evidence.stdout[:12]}" in words(cell)


def test_the_whole_checklist_in_every_mode_stays_within_bounds() -> None:
    log = "a line of a log, longer than anybody reads\n" * 2_000
    assert len(build_page(executed(LARGE)).encode()) < 600_000
    assert len(build_page(executed(checklist_case(printed=log))).encode()) < 700_000


def test_the_made_up_checklist_has_every_kind_of_cell() -> None:
    findings = LARGE.measured[0].findings
    attempts = [finding for finding in findings if finding.texts.checklist_id]
    assert {finding.delta for finding in attempts} == {None, *Delta}
    assert {finding.texts.severity for finding in attempts} == set(Severity)
    assert {finding.outcome for finding in attempts} == set(Outcome) - {Outcome.MEASURED, Outcome.SOMETIMES}
