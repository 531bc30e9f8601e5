"""A report so large that it is packed: far below one megabyte, and all there when it is opened."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from decided_case import MANY, decided_case
from playwright.sync_api import Browser
from synthetic_case import executed

from browser.chromium import HOSTILE, NEEDED, Open, Show
from evaluation.report.build import page as build_page
from evaluation.report.places import Places

pytestmark = NEEDED

CASE = decided_case(runtimes=MANY, transcript=HOSTILE + "log line <&>\n" * 80_000)
"""Every probe there is in eight runtimes, with a megabyte of hostile output of each process."""
TARGET = "#" + Places(CASE).cell(CASE.measured[0], "cold_start", "docker")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(build_page(executed(CASE)), encoding="utf-8")
    return path


@pytest.fixture
def show(show_report: Show, report: Path) -> Open:
    return partial(show_report, report)


def test_it_stays_below_one_megabyte(report: Path) -> None:
    assert '"packed"' in report.read_text(encoding="utf-8")
    assert report.stat().st_size < 1_000_000


def test_all_of_it_is_there_and_hostile_text_is_text(show: Open, report: Path) -> None:
    opened = show()
    opened.page.wait_for_selector("#packed", state="detached")
    assert opened.page.locator("details > u").count() == 0
    opened.page.locator(f"table.matrix a[href='{TARGET}']").first.click()
    opened.page.locator(f"{TARGET} pre").first.wait_for(timeout=20_000)
    assert "<script>document.title='owned'" in opened.page.locator(TARGET).inner_text()
    assert opened.page.locator("img").count() == 0
    assert opened.page.title() == "Which container runtime, for which use?"
    assert {address.partition("#")[0] for address in opened.asked} == {report.as_uri()}
    assert opened.said == []


def test_the_samples_of_an_opened_cell_are_drawn_with_the_bare_hosts(show: Open) -> None:
    page = show().page
    page.wait_for_selector("#packed", state="detached")
    assert page.locator("svg.strip").count() == 0
    page.locator(f"table.matrix a[href='{TARGET}']").first.click()
    page.locator(f"{TARGET} svg.strip").wait_for(state="attached", timeout=20_000)
    own, host = page.locator(f"{TARGET} svg.strip path").all()
    for path in (own, host):
        assert (path.get_attribute("d") or "").count("h0") == 15
        assert "NaN" not in (path.get_attribute("d") or "")


def test_a_link_from_outside_arrives_in_what_is_closed(show: Open) -> None:
    page = show(fragment=TARGET).page
    page.locator(TARGET).wait_for(timeout=20_000)


def test_the_what_if_chapter_works_on_packed_data(show: Open) -> None:
    page = show().page
    page.locator("#what-if.live").wait_for(timeout=20_000)
    assert (
        page.locator(".desk input[type=range], #what-if-table input[type=range]").count() == 6
    )  # five objectives and the length


def test_without_a_script_it_is_said_where_to_read_what_is_packed(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator(".card .winner").first.is_visible()
    (notice,) = page.locator("noscript").all_inner_texts()
    assert notice.startswith("JavaScript is off. The first page can be read as it stands")
    assert "evaluation probe NAME --show" in notice
    context.close()
