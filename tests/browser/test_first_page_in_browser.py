"""The first page: nothing cut or sideways at three widths, one sheet of A4, and the rest folded and short."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from decided_case import MANY, decided_case
from playwright.sync_api import Browser
from synthetic_case import executed

from browser.chromium import NEEDED, Open, Show
from evaluation import reviewing
from evaluation.report.build import page as build_page

pytestmark = NEEDED

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = 25
STOPS: Final = 800
STOPPING: Final = """
    [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
        (each) => each.tabIndex >= 0 && !each.disabled && each.checkVisibility({contentVisibilityAuto: true})
    ).length
"""
CUT: Final = """
    [...document.querySelectorAll(".sheet, .sheet *")].filter((each) =>
        each.clientWidth > 0 && getComputedStyle(each).display !== "inline"
        && each.scrollWidth > each.clientWidth + 1).map((each) => each.className || each.tagName)
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report that comes with the project, in which every chapter has something to say."""
    path = tmp_path_factory.mktemp("reference") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        case = reviewing._case(ROOT / "results", "reference", ROOT / "criteria.yaml")
        path.write_text(build_page(executed(case)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight runtimes, gaps, and the longest texts."""
    path = tmp_path_factory.mktemp("long") / "report.html"
    case = decided_case(runtimes=MANY, unknown=[("cold_start", "docker"), ("setuid_planting", "podman")])
    path.write_text(build_page(executed(case)), encoding="utf-8")
    return path


@pytest.fixture
def show(show_report: Show, reference: Path) -> Open:
    return partial(show_report, reference, folded=True)


@pytest.mark.parametrize("width", [1280, 800, 390])
@pytest.mark.parametrize("name", ["reference", "long"])
def test_nothing_of_it_is_cut_or_scrolled_sideways(
    show_report: Show, request: pytest.FixtureRequest, name: str, width: int
) -> None:
    page = show_report(request.getfixturevalue(name), width=width, folded=True).page
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".sheet .scroll").count() == 0


def test_a_keyboard_comes_through_what_stands_open(show: Open) -> None:
    assert show().page.evaluate(STOPPING) < STOPS


def test_every_link_of_it_opens_what_it_leads_to(show: Open) -> None:
    page = show().page
    targets = page.evaluate("[...new Set([...document.querySelectorAll('.sheet a')].map((a) => a.hash))]")
    assert len(targets) > 10
    for target in targets:
        page.evaluate("(hash) => { location.hash = hash; }", target)
        page.locator(target).wait_for(state="attached", timeout=20_000)
        assert page.evaluate("(hash) => document.querySelector(hash).checkVisibility()", target), target


@pytest.mark.parametrize("name", ["reference", "long"])
def test_on_paper_it_is_one_sheet_and_all_of_it_stays_short(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path, name: str
) -> None:
    report: Path = request.getfixturevalue(name)
    pages = {}
    for what in ("all", "first"):
        page = browser.new_context(offline=True).new_page()
        page.goto(report.as_uri())
        page.wait_for_selector("#packed", state="detached")
        if what == "first":  # what follows the sheet is taken away: does it still fill one page alone?
            page.evaluate(
                "[...document.querySelectorAll('.part > *, footer')].forEach("
                "(each) => each.querySelector('.sheet') || each.remove());"
                "document.querySelector('.sheet').style.breakAfter = 'auto';"
            )
        page.pdf(path=tmp_path / f"{what}.pdf", prefer_css_page_size=True)
        printed = (tmp_path / f"{what}.pdf").read_bytes()
        pages[what] = len(re.findall(rb"/Type\s*/Page[^s]", printed))
        page.context.close()
    assert pages["first"] == 1
    assert pages["all"] < PAGES


def test_without_a_script_a_notice_says_what_is_missing(browser: Browser, reference: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(reference.as_uri())
    assert page.locator("noscript .banner").inner_text().startswith("JavaScript is off.")
    assert page.locator("noscript .banner").is_visible()
    context.close()
    page = browser.new_context(offline=True).new_page()
    page.goto(reference.as_uri())
    assert page.get_by_text("JavaScript is off.").count() == 0
    page.context.close()
