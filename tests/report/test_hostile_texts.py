"""Texts from outside make no element, no attribute and no formula, on whatever way they leave."""

from __future__ import annotations

import html
import json
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert.filters import markdown2html
from poisoned import HOSTILE, MARK, elements, poisoned_case
from synthetic_case import executed, make_case

from evaluation import reviewing
from evaluation.errors import EvaluationError
from evaluation.report import packing, plain
from evaluation.report.build import page, prose, script
from evaluation.report.offline import assert_self_contained
from evaluation.report.onepage import site_page
from evaluation.report.source import Case

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hostile() -> Case:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return poisoned_case(reviewing._case(ROOT / "results", "reference", ROOT / "criteria.yaml"))


def test_no_text_of_a_full_case_becomes_markup(hostile: Case) -> None:
    """The page is packed: short texts stand in it whole, of long ones the beginning."""
    written = page(executed(hostile))
    assert_self_contained(written, script=script())
    assert elements(written) == ([], 0)
    soup = BeautifulSoup(written, "html.parser")
    assert len(soup.select("style")) == 1
    assert [tag.get("id") for tag in soup.select("script")][-1] is None
    assert soup.select("script")[-1].get_text() == script()
    assert not soup.select("a[href^=javascript], [src], [style]")
    (held,) = soup.select("#packed")
    _, _, _, *taken = packing.unpacked(held.get_text().strip('"'))
    assert len(soup.select("u")) == written.count(packing.CUT) == len(taken)
    shown, packed = soup.get_text(), json.dumps(taken)
    assert shown.count(f"<{MARK} {MARK}=1>") + packed.count(f"<{MARK} {MARK}=1>") > 500


def test_no_title_of_a_notebook_becomes_markup() -> None:
    notebook = executed(make_case(blocks=2))
    first, chapter = [cell for cell in notebook.cells if cell.cell_type == "markdown"][:2]
    prosaic = HOSTILE.replace("![x]", "")  # an image would not be written at all: see below
    line = " ".join(prosaic.split())
    first.source = f"# {line}\n\nProse {prosaic}"
    chapter.source = f"## 1. {line}\n\nProse {prosaic}"
    notebook.cells.append(nbformat.v4.new_markdown_cell(prosaic))
    written = page(notebook)
    assert elements(written) == ([], 0)
    soup = BeautifulSoup(written, "html.parser")
    assert soup.title
    assert soup.title.get_text() == line
    assert line in next(title.get_text() for title in soup.select("h2"))
    assert not soup.select("a[href^=javascript]")


def test_no_version_of_the_tool_becomes_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.report.build.__version__", HOSTILE)
    assert elements(page(executed(make_case(blocks=2)))) == ([], 0)


def test_mathematics_and_links_of_the_prose_run_nothing() -> None:
    links = "[x](javascript:alert(1)) [x](data:text/html,x) [x](vbscript:x)"
    made = prose(f"$<{MARK}>$ $$<{MARK} {MARK}=1>$$ \\(<{MARK}>\\) {links}")
    assert elements(made) == ([], 0)
    assert all(a["href"] == "#harmful-link" for a in BeautifulSoup(made, "html.parser").select("a"))


def test_a_picture_in_the_prose_makes_no_page() -> None:
    notebook = executed(make_case(blocks=2))
    notebook.cells.append(nbformat.v4.new_markdown_cell("![x](https://example.org/x.png)"))
    with pytest.raises(EvaluationError, match="src="):
        page(notebook)


@pytest.mark.parametrize("name", ["reference", "slac"])
def test_no_text_becomes_markup_on_the_one_page_of_a_site(hostile: Case, name: str) -> None:
    written = site_page(hostile, name)
    assert elements(written) == ([], 0)
    assert f"<{MARK} {MARK}=1>" in html.unescape(written)


def test_no_text_becomes_markup_in_the_answer_as_markdown(hostile: Case) -> None:
    soup = BeautifulSoup(markdown2html(plain.written(hostile, "md")), "html.parser")
    for tag in soup.select("a.anchor-link"):  # of the renderer's own
        tag.decompose()
    assert {tag.name for tag in soup.select("*")} <= {
        "code", "h2", "h3", "li", "p", "table", "tbody", "td", "th", "thead", "tr", "ul"
    }  # fmt: skip
    assert not soup.select(f"[{MARK}]")
    assert f"<{MARK} {MARK}=1>" in soup.get_text()
    assert "[x](javascript:alert(2))" in soup.get_text()
    assert f"![x](https://example.org/{MARK}.png)" in soup.get_text()
    for table in soup.select("table"):  # a text that broke out of its cell would make a row longer
        assert len({len(row.select("td, th")) for row in table.select("tr")}) == 1
