"""A page that would fetch or run anything is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest

from evaluation.errors import EvaluationError
from evaluation.report.offline import assert_self_contained, policy


@pytest.mark.parametrize(
    ("piece", "complaint"),
    [
        ("<script>alert(1)</script>", "script"),
        ("<script>ours()</script><script>ours();</script>", "script"),
        ('<script src="x.js"></script>', "src"),
        ('<script type="module">ours()</script>', "script"),
        ('<script type="application/json">{"a": "<!--<script>"}</script>', "'<' in it"),
        ("<script>alert(1)", "script"),
        ("<img src=https://example.org/x.png>", "src"),
        ("<img src=x onerror=alert(1)>", "event handler"),
        ('<svg onload="x"></svg>', "event handler"),
        ('<p style="color:red">', "style attribute"),
        ('<link rel="stylesheet" href="https://example.org/x.css">', "href"),
        ("<style>@import 'x.css';</style>", "@import"),
        ("<style>p{background:url(x.png)}</style>", "url("),
        ("<iframe></iframe>", "iframe"),
        ('<a href="javascript:alert(1)">x</a>', "href"),
        ('<a href="  JavaScript:alert(1)">x</a>', "href"),
        ('<svg><use xlink:href="x.svg#a"/></svg>', "xlink:href"),
        ('<svg><image href="https://example.org/x"/></svg>', "href"),
        ('<meta http-equiv="Refresh" content="0;url=x">', "refresh"),
        ('<base href="https://example.org/">', "base"),
        ('<form action="x"></form>', "form"),
        ('<object data="x"></object>', "object"),
        ('<a href="#x" ping="https://example.org">x</a>', "ping"),
    ],
)
def test_what_a_browser_would_fetch_or_run_is_refused(piece: str, complaint: str) -> None:
    with pytest.raises(EvaluationError, match="not self-contained") as caught:
        assert_self_contained(f"<!doctype html>\n<p>fine</p>\n{piece}", script="ours()")
    assert complaint.lower() in caught.value.what.lower()
    assert "line 3" in caught.value.what


@pytest.mark.parametrize(
    "piece",
    [
        '<a href="#here">x</a>',
        '<a href="https://example.org/source">a link a reader may follow</a>',
        '<link rel="icon" href="data:,">',
        '<img alt="" src="data:image/png;base64,AA==">',
        "<pre>&lt;script&gt;alert(1)&lt;/script&gt; url(x) @import</pre>",
        "<style>p{color:red}</style><p>url(x) is only a word here</p>",
        '<script type="application/json">{"a": 1}</script>',
        "<script>ours()</script>",
    ],
)
def test_what_stays_in_the_page_is_allowed(piece: str) -> None:
    assert_self_contained(piece, script="ours()")


def test_the_policy_allows_one_style_sheet_and_one_script_by_hash_and_nothing_else() -> None:
    style, script = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (b"p{}", b"ours()"))
    assert policy("p{}", "ours()").split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{style}'",
        f"script-src 'sha256-{script}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
