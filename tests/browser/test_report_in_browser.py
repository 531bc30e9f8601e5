"""The report in a real browser with the network cut off: what it asks for, says and looks like."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright
from synthetic_case import executed, make_case
from synthetic_checklist import checklist_case

from evaluation.report.build import page as build_page

CHROMIUM: Final = shutil.which("chromium")
QUIET: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
)
HOSTILE: Final = (
    "<script>document.title='owned'</script><img src=//example.org/x onerror=\"document.title='owned'\">"
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)"),
]

Scheme = Literal["light", "dark"]


@dataclass
class Opened:
    """A page with everything it asked for and everything the console said."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_page(executed(make_case(note=HOSTILE, transcript=HOSTILE))), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


Open = Callable[..., Opened]


@pytest.fixture
def show(browser: Browser, report: Path) -> Iterator[Open]:
    contexts = []

    def opened(
        *, scheme: Scheme = "light", width: int = 1280, fragment: str = "", report_uri: str = ""
    ) -> Opened:
        uri = report_uri or report.as_uri()
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 800}, offline=True
        )
        contexts.append(context)
        result = Opened(page=context.new_page())

        def only_the_report(route: Route) -> None:
            result.asked.append(route.request.url)
            if route.request.url.startswith(uri):
                route.continue_()
            else:
                route.abort()

        context.route("**/*", only_the_report)
        result.page.on("console", lambda message: result.said.append(message.text))
        result.page.on("pageerror", lambda error: result.said.append(str(error)))
        result.page.goto(uri + fragment)
        return result

    yield opened
    for context in contexts:
        context.close()


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


@pytest.mark.parametrize("width", [1280, 1920])
def test_every_answer_stands_on_the_first_screen(show: Open, width: int) -> None:
    page = show(width=width).page
    for box in [card.bounding_box() for card in page.locator(".card .winner").all()]:
        assert box is not None
        assert box["y"] + box["height"] < 800


def test_a_link_to_a_cell_opens_its_evidence_without_a_script(show: Open) -> None:
    target = "#evidence-local-2026-11-14t0912-host-root-identity-docker"
    page = show().page
    assert not page.locator(target).is_visible()
    page.locator(f"table.matrix a[href='{target}']").first.click()
    assert page.locator(target).is_visible()
    assert page.locator(f"{target} pre.sent").first.is_visible()


@pytest.fixture(scope="module")
def checklist(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("checklist") / "report.html"
    path.write_text(build_page(executed(checklist_case())), encoding="utf-8")
    return path.as_uri()


def test_a_switch_hides_one_runtime_everywhere_and_needs_no_script(show: Open, checklist: str) -> None:
    page = show(report_uri=checklist).page
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


def test_what_no_runtime_changes_can_be_hidden(show: Open, checklist: str) -> None:
    page = show(report_uri=checklist).page
    plain = page.locator("table.attempts tr.plain")
    assert plain.first.is_visible()
    page.get_by_label("only attempts that a runtime adds or takes away").check()
    assert not plain.first.is_visible()
    assert page.locator("table.attempts tr:not(.plain, .group)").first.is_visible()


def test_a_link_opens_the_transcript_of_a_runtime_that_is_switched_off(show: Open, checklist: str) -> None:
    page = show(report_uri=checklist).page
    page.get_by_label("podman", exact=True).uncheck()
    target = "#evidence-local-2026-11-14t0912-made-up-attempt-p01-podman"
    page.goto(checklist + target)
    page.get_by_label("podman", exact=True).uncheck()
    assert page.locator(target).is_visible()


def test_on_a_telephone_every_cell_says_which_runtime_it_is_of(show: Open, checklist: str) -> None:
    page = show(report_uri=checklist, width=360).page
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
    for link in show(width=360).page.locator("nav a").all():
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
