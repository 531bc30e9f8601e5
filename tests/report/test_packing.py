"""What a large page packs, and that all of it comes back."""

from __future__ import annotations

import html
import json
import re

import pytest
from bs4 import BeautifulSoup

from evaluation.report import packing
from evaluation.report.lean import lean
from evaluation.report.packing import CUT, Node, pack, packed, tree, unpacked

LONG = "a long transcript with <b>&amp; 'quotes', \n" * 20
INSIDE = (
    f'<article id="there"><h4>docker <i class="good">holds</i>\n<small>&#39;so&#39;</small></h4>'
    "<p>a<wbr>b</p>"
    f'<pre class="sent">\n{html.escape(LONG, quote=False)}</pre><details><summary>more</summary>'
    '<p><a href="#there" rel="external">here</a></p></details>'
    '<svg class="plot" viewBox="0 0 10 10"><title>t</title><path d="M0 0"></path></svg></article>'
)
PAGE = (
    '<main id="content"><noscript><p class="banner">whole</p></noscript>'
    f'<details class="probe"><summary>a <b>probe</b></summary>{INSIDE}</details>'
    f'<div><a href="#there" rel="x">in</a> <a href="#out" rel="x">out</a></div>'
    '<div><table><tr><td><a href="#there"><i class="good">cell</i></a></td></tr></table></div>'
    f'<details class="fold"><summary>folded</summary><p>{"reads " * 100}</p></details>'
    f"<details open><summary>open</summary><p>{'stays ' * 100}</p></details>"
    "<details><summary>short</summary><p>stays</p></details></main>"
    '<script type="application/json" id="what-if-data">{"a": [1, 2]}</script><script>ours()</script>'
)


def written(node: Node) -> str:
    """What the browser makes of an element of a tree."""
    if isinstance(node, str):
        return html.escape(node, quote=False)
    name, attributes, *inside = node
    said = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return f"<{name}{said}>{''.join(map(written, inside))}" + ("" if name == "wbr" else f"</{name}>")


def put_back(page: str) -> str:
    found = re.search(r'<script type="application/json" id="packed">"(.*?)"</script>\n', page)
    assert found
    cells, tones, links, *trees = unpacked(found[1])
    taken, targets, own = iter(trees), iter(links), iter(cells)
    page = re.sub(
        r"<td>(\w+)",
        lambda cell: f'<td><a href=#{next(own)}><i class="{tones[cell[1]]}">{cell[1]}</i></a>',
        page,
    )
    page = re.sub("<a(?= rel|>)", lambda _: f"<a href=#{next(targets)}", page)
    page = page.replace(found[0], "")
    return re.sub(CUT, lambda _: "".join(map(written, next(taken))), page)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(packing, "LARGE", 0)
    return pack(PAGE)


def test_what_lies_behind_a_closed_triangle_is_packed_and_nothing_else(large: str) -> None:
    soup = BeautifulSoup(large, "html.parser")
    behind = [each.get_text() for each in soup.select("details > :not(summary)")]
    assert behind == ["…", "reads " * 100, "stays " * 100, "stays"]
    assert "there" not in re.sub("<script.*", "", large, flags=re.DOTALL)  # nor its link's target
    assert "#out" in large
    assert "<td>cell</table>" in large
    assert "viewBox" in json.dumps(tree(INSIDE))
    notice = soup.select_one("noscript")
    assert notice
    assert "stay packed" in notice.get_text()


def test_it_comes_back_as_it_was(large: str) -> None:
    back, was = (BeautifulSoup(page, "html.parser") for page in (put_back(large), PAGE))
    for soup in (back, was):
        soup.select_one("noscript").decompose()  # type: ignore[union-attr] # it says something else
    for soup in (back, was):
        for data in soup.select("script"):
            data.decompose()
        for text in soup.select("pre"):
            text.string = text.get_text().removeprefix("\n")
    assert str(back.main).split() == str(was.main).split()


def test_an_element_that_is_not_closed_is_noticed() -> None:
    with pytest.raises(ValueError, match="</p> closes another element"):
        tree("<p><b>never closed</p>")


def test_the_data_are_packed_too(large: str) -> None:
    found = re.search(r'id="what-if-data">(.*?)</script>', large)
    assert found
    assert unpacked(json.loads(found[1])) == {"a": [1, 2]}


def test_the_same_page_is_packed_the_same(large: str) -> None:
    assert pack(PAGE) == large


def test_a_small_page_is_lean_and_no_more() -> None:
    assert pack(PAGE) == lean(PAGE)


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", packed("x")[:-8]])
def test_what_is_damaged_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpacked(text)


def test_nothing_is_unpacked_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_MOST", 1000)
    with pytest.raises(ValueError, match=r".+"):
        unpacked(packed("x" * 1001))


def test_where_there_is_no_room_the_last_folded_chapters_are_packed_too(
    large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = PAGE.index('<script type="application/json"')
    page = PAGE[:script] + PAGE[script:].replace(
        "<script>ours()",
        '<details class="fold"><summary>last</summary><p>' + "far " * 60 + "</p></details><script>ours()",
    )
    assert "far far" in pack(page)
    monkeypatch.setattr(packing, "MOST", 0)
    packed_too = pack(page)
    assert "far far" not in packed_too
    assert "reads reads" in packed_too  # it stands before what the what-if chapter's script needs
    assert large == pack(PAGE)
