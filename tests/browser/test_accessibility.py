"""What axe-core finds in the report: nothing, in light, in dark, on a phone; and targets a finger can hit."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from decided_case import decided_case
from synthetic_case import executed

from browser.chromium import NEEDED, Open, Scheme, Show
from evaluation.report.build import page as build_page

pytestmark = NEEDED

RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    case = decided_case(unknown=[("cold_start", "podman"), ("setuid_planting", "apptainer")], blocks=5)
    path.write_text(build_page(executed(case)), encoding="utf-8")
    return path


@pytest.fixture
def show(show_report: Show, report: Path) -> Open:
    return partial(show_report, report)


@pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
)
def test_axe_finds_no_violation(show: Open, scheme: Scheme, width: int) -> None:
    page = show(scheme=scheme, width=width, fragment="#what-if:points.l1proc=time:30").page
    for opener in page.locator(".what-if .whole button").all():
        opener.click()
    for first in ("details.probe", "details.more", "details"):
        page.evaluate(f"document.querySelector('{first}').open = true")
    found = Axe().run(page, options=RULES)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [360, 1280])
def test_every_control_is_24_pixels_high_and_wide(show: Open, width: int) -> None:
    page = show(width=width).page
    for opener in page.locator(".what-if .whole button").all():
        opener.click()
    small = page.evaluate(
        "[...document.querySelectorAll('.what-if :is(button, input[type=range], label), summary, nav a')]"
        ".filter(each => each.checkVisibility())"
        ".map(each => [each.textContent, each.getBoundingClientRect()])"
        ".filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text)"
    )
    assert small == []


def test_focus_is_seen_on_every_kind_of_control(show: Open) -> None:
    page = show().page
    page.locator(".what-if input[type=radio]").first.focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        style = "getComputedStyle(document.activeElement)"
        assert page.evaluate(f"{style}.outlineStyle") == "solid"
        assert page.evaluate(f"parseFloat({style}.outlineWidth)") >= 2
