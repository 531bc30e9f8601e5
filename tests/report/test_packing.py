"""What a large page packs, and that all of it comes back."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest
from bs4 import BeautifulSoup

from evaluation.report import packing

PAGE = (
    "<p>before</p><details class='probe'><summary>one <b>!</b></summary><p>first</p>"
    "<details><summary>inner</summary><p>nested</p></details></details>"
    "<details open><summary>two</summary><p>stays</p></details>"
    "<details><summary>three</summary>third</details><p>after</p><script>ours()</script>"
)


def unpacked(page: str) -> str:
    """What the browser makes of it."""
    found = re.search(r'<script type="application/json" id="packed">"(.*?)"</script>\n', page)
    assert found
    bodies = json.loads(gzip.decompress(base64.b64decode(found[1])))
    parts = page.replace(found[0], "").split(packing._NOTE)
    assert len(parts) == len(bodies) + 1
    whole = "".join(part + body for part, body in zip(parts, [*bodies, ""], strict=True))
    return re.sub(r' data-packed="\d+"', "", whole)


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(packing, "LARGE", 0)
    return packing.pack(PAGE)


def test_what_is_closed_is_packed_whole_and_what_is_open_stays(packed: str) -> None:
    soup = BeautifulSoup(packed, "html.parser")
    assert "first" not in soup.get_text()
    assert "third" not in soup.get_text()
    assert "stays" in soup.get_text()
    assert [place["data-packed"] for place in soup.select("[data-packed]")] == ["0", "1"]
    assert all("make a report of fewer runs" in place.get_text() for place in soup.select("[data-packed]"))
    assert [summary.get_text() for summary in soup.select("summary")] == ["one !", "two", "three"]


def test_it_comes_back_as_it_was(packed: str) -> None:
    assert unpacked(packed) == PAGE


def test_the_same_page_is_packed_the_same(packed: str) -> None:
    assert packing.pack(PAGE) == packed
