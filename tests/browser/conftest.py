"""One Chromium for each module: one for all would keep its event loop running for the notebooks' tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, sync_playwright

from browser.chromium import CHROMIUM, QUIET, UNFOLD, Opened, Scheme, Show


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def show_report(browser: Browser) -> Iterator[Show]:
    contexts = []

    def opened(
        report: Path,
        *,
        scheme: Scheme = "light",
        width: int = 1280,
        fragment: str = "",
        folded: bool = False,
    ) -> Opened:
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 800}, offline=True
        )
        contexts.append(context)
        result = Opened(page=context.new_page())

        def only_the_report(route: Route) -> None:
            result.asked.append(route.request.url)
            if route.request.url.startswith(report.as_uri()):
                route.continue_()
            else:
                route.abort()

        context.route("**/*", only_the_report)
        result.page.on("console", lambda message: result.said.append(message.text))
        result.page.on("pageerror", lambda error: result.said.append(str(error)))
        result.page.goto(report.as_uri() + fragment)
        if not folded:
            result.page.evaluate(UNFOLD)
        return result

    yield opened
    for context in contexts:
        context.close()
