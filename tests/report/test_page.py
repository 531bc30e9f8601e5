"""The page: self-contained, escaped, bounded, written whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from multiplied_case import multiplied_case
from synthetic_case import NOTEBOOK, executed, make_case
from synthetic_findings import RUNTIMES

from evaluation import commands, reviewing
from evaluation.errors import EvaluationError
from evaluation.report.build import heading, page, prose, render, script
from evaluation.report.offline import assert_self_contained

HOSTILE = (
    "<script>alert(1)</script></style></pre></textarea><img src=x onerror=alert(2)>"
    '<svg/onload=alert(3)>" onmouseover="alert(4)" \' style=\'x {{ 7*7 }} {% raw %} \u202egnp.exe\u2069'
)


@pytest.fixture(scope="module")
def html() -> str:
    return page(executed(make_case()))


@pytest.fixture(scope="module")
def hostile() -> str:
    return page(executed(make_case(note=HOSTILE, transcript=HOSTILE)))


def test_the_page_is_self_contained_and_says_so_to_the_browser(html: str) -> None:
    assert_self_contained(html, script=script())
    soup = BeautifulSoup(html, "html.parser")
    policy = soup.select_one("meta[http-equiv=Content-Security-Policy]")
    assert policy is not None
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")


def test_the_policy_comes_before_anything_it_governs(html: str) -> None:
    assert html.index("Content-Security-Policy") < html.index("<style")


def test_no_code_is_shown(html: str) -> None:
    assert "chapters.answer" not in html
    assert "load_case" not in html


def test_the_chapters_stand_in_five_parts_with_a_link_each(html: str) -> None:
    soup = BeautifulSoup(html, "html.parser")
    parts = [str(part["aria-label"]) for part in soup.select("section.part")]
    assert parts == ["Decide", "Change it", "Evidence", "Your site", "Method"]
    titles = [title.get_text() for title in soup.select(":is(section.chapter, summary) > h2")]
    assert titles[0] == "The answer"
    links = [link.get_text() for link in soup.select("nav a")]
    assert [link for link in links if link in parts] == parts
    assert [link for link in links if link not in parts] == titles
    for link in soup.select("nav a"):
        assert soup.find(id=str(link["href"]).removeprefix("#")), link


def test_links_to_chapters_that_had_numbers_still_arrive(html: str) -> None:
    """They stand in mails and minutes."""
    soup = BeautifulSoup(html, "html.parser")
    former = {str(chapter["id"]) for chapter in soup.select("section.chapter")}
    assert {"1-the-answer", "3-why", "6-what-if", "10-security-attempts", "14-run-it-again"} <= former
    assert {int(name.split("-")[0]) for name in former} == {*range(1, 15)}


def test_all_but_the_answer_and_the_weights_is_folded(html: str) -> None:
    soup = BeautifulSoup(html, "html.parser")
    stand = [each for each in soup.select("section.chapter") if not each.find_parent("details")]
    assert [str(chapter["id"]) for chapter in stand] == ["1-the-answer", "6-what-if"]
    assert not soup.select("details.fold[open]")


def test_a_reader_without_a_script_is_told_what_is_missing(html: str) -> None:
    (notice,) = BeautifulSoup(html, "html.parser").select("noscript")
    assert "JavaScript is off. Everything here can be read" in notice.get_text()


def test_identifiers_are_unique_and_every_inner_link_arrives(html: str) -> None:
    soup = BeautifulSoup(html, "html.parser")
    identifiers = [str(element["id"]) for element in soup.select("[id]")]
    assert len(identifiers) == len(set(identifiers))
    for link in soup.select("a[href^='#']"):
        assert str(link["href"]).removeprefix("#") in identifiers


def test_tables_have_headers_and_scrolling_parts_can_be_reached_by_keyboard(html: str) -> None:
    soup = BeautifulSoup(html, "html.parser")
    for table in soup.select("table"):
        assert table.select("th[scope]")
    for scroll in soup.select(".scroll"):
        assert scroll["tabindex"] == "0"
        assert scroll.get("aria-label") or scroll.get("aria-labelledby")


def test_hostile_text_is_text(hostile: str) -> None:
    soup = BeautifulSoup(hostile, "html.parser")
    assert not soup.select("img, [onerror], [onload], [onmouseover], [style]")
    assert [each.get("type") for each in soup.select("script")] == ["application/json", None]
    assert soup.select("script")[-1].get_text() == script()
    assert len(soup.select("style")) == 1
    assert hostile.count("alert(1)") > 100
    assert "<script>alert(1)</script>" in soup.get_text()
    assert "{{ 7*7 }}" in soup.get_text()


def test_marks_that_reorder_text_are_written_out(hostile: str) -> None:
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", hostile)
    assert "&lt;U+202E&gt;gnp.exe" in hostile


def test_what_slips_through_is_stopped_at_the_door() -> None:
    notebook = executed(make_case(blocks=2))
    chapter = next(cell for cell in reversed(notebook.cells) if cell.get("outputs"))
    chapter.outputs[0].data["text/html"] += "<img src=x onerror=alert(1)>"
    with pytest.raises(EvaluationError, match="event handler"):
        page(notebook)


def test_html_in_the_prose_is_text() -> None:
    assert "<script" not in prose("## Title\nHello <script>alert(1)</script> *there*")
    assert "<em>there</em>" in prose("Hello *there*")
    assert "javascript:" not in prose("[x](javascript:alert(1))")


@pytest.mark.parametrize(
    ("source", "title"),
    [("## The answer\n\nWhy", "The answer"), ("# Title", ""), ("### Sub", ""), ("Prose", "")],
)
def test_a_chapter_opens_with_a_second_level_heading(source: str, title: str) -> None:
    assert heading(source) == title


def test_a_large_case_stays_below_one_megabyte() -> None:
    case = make_case(
        runtimes=(*RUNTIMES, "docker-rootless"), blocks=40, transcript=HOSTILE + "log line <&>\n" * 80_000
    )
    assert len(page(executed(case)).encode()) < 600_000


def test_eight_runtimes_three_sites_and_sixty_probes_stay_below_one_megabyte(tmp_path: Path) -> None:
    case = multiplied_case(tmp_path)
    assert [len(site.runtimes) for site in case.measured] == [8, 8, 8]
    assert {len(site.probes) for site in case.measured} == {60}
    assert len(page(executed(case)).encode()) < 1_000_000


def test_the_report_of_the_reference_run_stays_below_700_kilobytes(tmp_path: Path) -> None:
    page = commands.report(runs="reference", output=tmp_path / "report.html").read_bytes()
    assert b'id="packed"' in page
    assert len(page) < 700_000


def test_the_notebook_is_committed_thin_and_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert [cell.metadata.get("tags") for cell in code].count(["parameters"]) == 1
    assert not re.search(r"\b(def|class|for|while)\b|!", "\n".join(cell.source for cell in code))


def test_a_cell_that_failed_makes_no_report() -> None:
    notebook = executed(make_case(blocks=2))
    error = nbformat.v4.new_output("error", ename="KeyError", evalue="'x'", traceback=[])
    notebook.cells[-1].outputs = [error]
    with pytest.raises(EvaluationError, match="failed: KeyError"):
        page(notebook)


def test_a_notebook_that_was_not_run_makes_no_report(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="not executed"):
        render(NOTEBOOK, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{", json.dumps({"cells": "none"})])
def test_a_damaged_notebook_is_named(tmp_path: Path, content: str) -> None:
    damaged = tmp_path / "damaged.ipynb"
    damaged.write_text(content)
    with pytest.raises(EvaluationError, match=r"damaged\.ipynb"):
        render(damaged, tmp_path / "report.html")


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"missing\.ipynb"):
        render(tmp_path / "missing.ipynb", tmp_path / "report.html")


def test_the_report_replaces_the_old_one_and_leaves_nothing_else(tmp_path: Path) -> None:
    source, output = tmp_path / "executed.ipynb", tmp_path / "deep" / "report.html"
    nbformat.write(executed(make_case(blocks=2)), source)
    assert render(source, output) == output
    output.write_text("old")
    render(source, output)
    assert output.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in output.parent.iterdir()] == ["report.html"]


def test_what_has_no_weight_at_a_site_is_not_said_to_be_missing_there() -> None:
    """Without a batch system the batch contract weighs nothing, for every runtime alike."""
    root = Path(__file__).parents[2]
    case = reviewing._case(root / "results", "reference", root / "criteria.yaml")
    assert case.sites["reference"].batch.engine == "local"
    cards = BeautifulSoup(page(executed(case)), "html.parser").select(".card")
    assert cards
    assert not [card for card in cards if "Batch memory limit" in card.get_text()]
