"""The report in a real browser with the network cut off: what it asks for, says and looks like."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from synthetic_case import executed, make_case
from synthetic_checklist import checklist_case

from browser.chromium import HOSTILE, NEEDED, Open, Scheme, Show
from evaluation.report.build import page as build_page
from evaluation.report.places import Places
from evaluation.report.source import Case

pytestmark = NEEDED


def place(case: Case, probe: str, runtime: str) -> str:
    return "#" + Places(case).cell(case.measured[0], probe, runtime)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_page(executed(make_case(note=HOSTILE, transcript=HOSTILE))), encoding="utf-8")
    return path


@pytest.fixture
def show(show_report: Show, report: Path) -> Open:
    return partial(show_report, report)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_asks_for_nothing_but_itself_and_complains_of_nothing(
    show: Open, report: Path, scheme: Scheme, width: int
) -> None:
    opened = show(scheme=scheme, width=width)
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    opened.page.wait_for_timeout(200)
    assert opened.asked == [report.as_uri()]
    assert opened.said == []
    assert opened.page.title() == "Which container runtime, for which use?"


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_nothing_but_marked_parts_scrolls_sideways(show: Open, width: int) -> None:
    page = show(width=width).page
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_wider_letters_make_no_wider_page(show: Open, width: int) -> None:
    """Whatever fonts there are: letters as far apart as WCAG 1.4.12 demands that a page bears."""
    page = show(width=width).page
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    spaced = "* { letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }"
    page.evaluate("rule => document.styleSheets[0].insertRule(rule)", spaced)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_list_of_chapters_stays_in_its_column(show: Open) -> None:
    page = show(width=1280).page
    page.evaluate(
        "rule => document.styleSheets[0].insertRule(rule)", ".contents * { letter-spacing: 0.12em; }"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('.contents a')].every(link => link.getBoundingClientRect().right"
        " <= document.querySelector('.contents').getBoundingClientRect().right)"
    )


@pytest.mark.parametrize("width", [1280, 1920])
def test_every_answer_stands_on_the_first_screen(show: Open, width: int) -> None:
    page = show(width=width).page
    for box in [card.bounding_box() for card in page.locator(".card .winner").all()]:
        assert box is not None
        assert box["y"] + box["height"] < 800


def test_a_link_to_a_cell_opens_its_evidence_without_a_script(show: Open) -> None:
    target = place(make_case(), "host_root_identity", "docker")
    page = show().page
    assert not page.locator(target).is_visible()
    page.locator(f"table.matrix a[href='{target}']").first.click()
    assert page.locator(target).is_visible()
    assert page.locator(f"{target} pre.sent").first.is_visible()


@pytest.fixture(scope="module")
def checklist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checklist") / "report.html"
    path.write_text(build_page(executed(checklist_case())), encoding="utf-8")
    return path


def test_a_switch_hides_one_runtime_everywhere_without_a_script(show_report: Show, checklist: Path) -> None:
    page = show_report(checklist).page
    heads = page.locator("table.attempts thead th")
    before = [head for head in heads.all_inner_texts() if head]
    assert "podman" in before
    switch = page.get_by_label("podman", exact=True)
    switch.focus()
    page.keyboard.press("Space")
    assert not switch.is_checked()
    assert len([head for head in heads.all() if head.is_visible()]) == len(before) - 1
    assert not page.locator("table.attempts td[data-of='podman']").first.is_visible()
    assert not page.locator("table.changes tbody th", has_text="rootless, root inside").first.is_visible()
    page.keyboard.press("Space")
    assert page.locator("table.attempts td[data-of='podman']").first.is_visible()


def test_what_no_runtime_changes_can_be_hidden(show_report: Show, checklist: Path) -> None:
    page = show_report(checklist).page
    plain = page.locator("table.attempts tr.plain")
    assert plain.first.is_visible()
    page.get_by_label("only attempts that a runtime adds or takes away").check()
    assert not plain.first.is_visible()
    assert page.locator("table.attempts tr:not(.plain, .group)").first.is_visible()


def test_a_link_opens_the_transcript_of_a_runtime_switched_off(show_report: Show, checklist: Path) -> None:
    page = show_report(checklist).page
    page.get_by_label("podman", exact=True).uncheck()
    target = place(checklist_case(), "made_up_attempt_p01", "podman")
    page.goto(checklist.as_uri() + target)
    page.get_by_label("podman", exact=True).uncheck()
    assert page.locator(target).is_visible()


def test_on_a_telephone_every_cell_says_which_runtime_it_is_of(show_report: Show, checklist: Path) -> None:
    page = show_report(checklist, width=360).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert not page.locator("table.attempts thead").is_visible()
    cell = page.locator("table.attempts td[data-of='docker']").first
    assert "docker" in cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    for link in page.locator("table.attempts tbody tr:nth-child(2) td a").all():
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 24


def test_the_keyboard_reaches_the_report_first_and_focus_is_seen(show: Open) -> None:
    page = show().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_dark_and_light_differ_and_the_text_stands_out(show: Open) -> None:
    backgrounds = {
        scheme: show(scheme=scheme).page.evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in ("light", "dark")
    }
    assert backgrounds["light"] != backgrounds["dark"]


def test_a_pointer_finds_targets_of_24_pixels_in_the_navigation(show: Open) -> None:
    links = [each for each in show(width=360).page.locator("nav a").all() if each.is_visible()]
    assert links
    for link in links:
        box = link.bounding_box()
        assert box is not None
        assert box["height"] >= 24


def test_it_prints_on_paper(show: Open, tmp_path: Path) -> None:
    opened = show()
    opened.page.emulate_media(media="print")
    assert not opened.page.locator("nav").is_visible()
    assert opened.page.locator("p.paper").is_visible()
    paper = tmp_path / "report.pdf"
    opened.page.pdf(path=paper, prefer_css_page_size=True)
    assert paper.read_bytes().startswith(b"%PDF")
