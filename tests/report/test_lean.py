"""The same page in fewer bytes: a parser makes the same of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from synthetic_case import executed, make_case

from evaluation.report import build, packing
from evaluation.report.lean import drawn_once, lean, lean_script, lean_style, unmarked
from evaluation.report.markup import TEMPLATES

HOSTILE = '</td>="x" <i a="b">\n<td>'


def test_quotes_end_tags_and_breaks_that_say_nothing_are_left_out() -> None:
    long = '<table>\n<tr>\n<td class="a" title="two words">x</td>\n<td id="b">y</td>\n</tr>\n</table>'
    assert lean(long) == '<table><tr><td class=a title="two words">x<td id=b>y</table>'


def test_axes_that_are_the_same_are_drawn_once() -> None:
    one, other = (f'<g class="axes"><text y="{y}">1</text></g>' for y in (1, 2))
    drawn = drawn_once(f"<p>{one}</p>{other}<p>{one}</p>{one}")
    assert drawn.count("<text") == 2
    assert drawn.startswith('<p><g id="axes-0" class="axes">')
    assert drawn.endswith('<p><use href="#axes-0"/></p><use href="#axes-0"/>')


def test_a_paragraph_is_left_open_where_what_follows_ends_it() -> None:
    assert lean("<div><p>a</p>\n<p>b</p></div>") == "<div><p>a<p>b</div>"
    assert lean("<p>a</p>\n<span>b</span>") == "<p>a</p>\n<span>b</span>"
    assert lean("<a><p>b</p></a>") == "<a><p>b</p></a>", "there its end tag may not be left out"


def test_what_has_breaks_of_its_own_stays() -> None:
    for text in ('<pre>a\n<b id="x">\n</b></pre>', "<script>\n'<td></td>'\n</script>", "<style>\n\n</style>"):
        assert lean(text) == text


def test_a_mark_stays_only_where_a_link_leads_to_it() -> None:
    assert (
        unmarked('<a href="#a-1">x</a><b id="a-1"></b><b id="a-2"></b>')
        == '<a href="#a-1">x</a><b id="a-1"></b>'
    )


def test_a_value_before_a_slash_keeps_its_quotes() -> None:
    assert lean('<circle r="6"/>') == '<circle r="6"/>'


def test_a_style_and_a_script_lose_what_is_for_their_writers() -> None:
    assert lean_style("/* why */\na :b, c {\n  b: c;\n}\n") == "a :b,c{b: c;}"
    assert (
        lean_script("// why\n  const a = 1; // stays\n  /** what */\n  b();\n")
        == "const a = 1; // stays\nb();\n"
    )


def test_no_text_within_the_style_sheet_has_what_loses_its_space() -> None:
    texts = re.findall(r'"[^"]*"|url\([^)]*\)', (TEMPLATES / "page" / "report.css").read_text())
    assert texts
    assert not [text for text in texts if lean_style(text) != text]


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_browser_makes_the_same_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notebook = executed(make_case(note=HOSTILE, transcript=HOSTILE, blocks=3))
    pages = {"lean": build.page(notebook)}
    monkeypatch.setattr(packing, "lean", drawn_once)
    pages["long"] = build.page(notebook)
    assert len(pages["lean"]) < 0.95 * len(pages["long"])
    seen = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-quic"]
        )
        page = browser.new_context(java_script_enabled=False, offline=True).new_page()
        for name, text in pages.items():
            (tmp_path / "page.html").write_text(text, encoding="utf-8")
            page.goto((tmp_path / "page.html").as_uri())
            seen[name] = page.locator("body").inner_text(), page.locator("body *").count()
        browser.close()
    assert seen["lean"] == seen["long"]
