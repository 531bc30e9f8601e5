"""What a large page packs, and that all of it comes back."""

from __future__ import annotations

import html
import json
import re

import pytest
from bs4 import BeautifulSoup

from evaluation.report import packing
from evaluation.report.packing import HEAD, pack, packed, unpacked

LONG = "a long transcript with <b>&amp; 'quotes', " * 20
PAGE = (
    f'<p class=sent>{html.escape(LONG, quote=False)}</p><pre class="sent">{html.escape("x" * HEAD)}</pre>'
    f"<details open><p>{'stays ' * 100}</p></details><dl><dd class=sent>{html.escape(LONG[::-1])}</dl>"
    f'<script type="application/json" id="what-if-data">{{"a": [1, 2]}}</script><script>ours()</script>'
)


def put_back(page: str) -> str:
    """What the browser makes of it."""
    found = re.search(r'<script type="application/json" id="packed">"(.*?)"</script>\n', page)
    assert found
    rests = iter(unpacked(found[1]))
    return re.sub("<u>…</u>", lambda _: html.escape(next(rests), quote=False), page.replace(found[0], ""))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(packing, "LARGE", 0)
    return pack(PAGE)


def test_a_long_text_keeps_its_head_and_the_rest_stays_whole(large: str) -> None:
    soup = BeautifulSoup(large, "html.parser")
    assert [cut.get_text() for cut in soup.select(".sent")] == [
        LONG[:HEAD] + "…",
        "x" * HEAD,
        LONG[::-1][:HEAD] + "…",
    ]
    assert "stays " * 100 in large


def test_it_comes_back_as_it_was(large: str) -> None:
    texts = [text.get_text() for text in BeautifulSoup(put_back(large), "html.parser").select(".sent")]
    assert texts == [text.get_text() for text in BeautifulSoup(PAGE, "html.parser").select(".sent")]


def test_the_data_are_packed_too(large: str) -> None:
    found = re.search(r'id="what-if-data">(.*?)</script>', large)
    assert found
    assert unpacked(json.loads(found[1])) == {"a": [1, 2]}


def test_the_same_page_is_packed_the_same(large: str) -> None:
    assert pack(PAGE) == large


def test_a_small_page_stays_as_it_is() -> None:
    assert pack(PAGE) == PAGE


@pytest.mark.parametrize("text", ["", "no base64!", "AAAA", packed("x")[:-8]])
def test_what_is_damaged_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpacked(text)


def test_nothing_is_unpacked_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "_MOST", 1000)
    with pytest.raises(ValueError, match=r".+"):
        unpacked(packed("x" * 1001))
