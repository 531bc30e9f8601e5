"""A report so large that it is packed: below one megabyte, and all there when it is opened."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from decided_case import MANY, decided_case
from playwright.sync_api import Browser
from synthetic_case import executed

from browser.chromium import HOSTILE, NEEDED, Open, Show
from evaluation.report.build import page as build_page

pytestmark = NEEDED

TARGET = "#evidence-local-2026-11-14t0912-host-root-identity-docker"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every probe there is in eight runtimes, with a megabyte of hostile output of each process."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    case = decided_case(runtimes=MANY, transcript=HOSTILE + "log line <&>\n" * 80_000)
    path.write_text(build_page(executed(case)), encoding="utf-8")
    return path


@pytest.fixture
def show(show_report: Show, report: Path) -> Open:
    return partial(show_report, report)


def test_it_stays_below_one_megabyte(report: Path) -> None:
    assert "data-packed" in report.read_text(encoding="utf-8")
    assert report.stat().st_size < 1_000_000


def test_all_of_it_is_there_and_hostile_text_is_text(show: Open, report: Path) -> None:
    opened = show()
    opened.page.wait_for_selector("#packed", state="detached")
    assert opened.page.locator("[data-packed]").count() == 0
    opened.page.locator(f"table.matrix a[href='{TARGET}']").first.click()
    opened.page.locator(f"{TARGET} pre").first.wait_for(timeout=20_000)
    assert "<script>document.title='owned'" in opened.page.locator(TARGET).inner_text()
    assert opened.page.locator("img").count() == 0
    assert opened.page.title() == "Which container runtime, for which use?"
    assert {address.partition("#")[0] for address in opened.asked} == {report.as_uri()}
    assert opened.said == []


def test_a_link_from_outside_arrives_at_what_was_packed(show: Open) -> None:
    page = show(fragment=TARGET).page
    page.wait_for_selector("#packed", state="detached")
    page.locator(TARGET).wait_for(timeout=20_000)


def test_without_a_script_it_says_what_to_do(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    page.locator("[data-packed] > summary").first.click()
    assert page.get_by_text("make a report of fewer runs").first.is_visible()
    context.close()
