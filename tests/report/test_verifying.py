"""Every character of a report is compared with what its results give, and the first difference is named.

The page is that of the reference run, in which every chapter has something to say.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from synthetic_case import executed

from evaluation import reviewing
from evaluation.errors import EvaluationError
from evaluation.report import packing, verifying
from evaluation.report.build import page as written
from evaluation.report.origin import Origin, tool
from evaluation.report.source import Case
from evaluation.report.verifying import carried, differences, results_again

ROOT = Path(__file__).parents[2]
WINNER = re.compile(r"class=winner>([^<]+)<")


@cache
def reference() -> Case:
    return reviewing._case(ROOT / "results", "reference", ROOT / "criteria.yaml")


@pytest.fixture(scope="module", autouse=True)
def in_the_project() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield


@pytest.fixture(scope="module")
def page() -> str:
    """Packed, as it is written."""
    found = written(executed(reference()))
    assert 'id="packed"' in found
    return found


@pytest.fixture(scope="module")
def plain() -> str:
    """The same page before it is packed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "LARGE", 10**9)
        return written(executed(reference()))


def first_part(page: str) -> tuple[int, int]:
    start = page.index("<section class=chapter id=1-the-answer")
    return start, page.index("<details class=fold", start)


def told(page: str, again: str) -> str:
    return "\n".join(differences(page, again))


def other(word: str) -> str:
    """Another word of the same kind: a digit becomes the next one, a name its letters one further."""
    return re.sub(
        r"[0-9a-yA-Y]", lambda found: "0" if found[0] == "9" else chr(ord(found[0]) + 1), word, count=1
    )


def test_a_page_that_was_written_again_is_the_same(page: str, plain: str) -> None:
    assert not told(page, written(executed(reference())))
    assert not told(plain, plain)


def test_every_number_and_every_name_of_the_first_part_is_compared(page: str) -> None:
    """One at a time, in texts and in attributes: figures, names, widths, links, classes."""
    start, end = first_part(page)
    words = list(re.finditer(r"\w[\w.-]*", page[start:end]))
    assert sum(bool(re.search(r"\d", word[0])) for word in words) > 20  # whatever the reference answers
    assert len(words) > 300
    changed = 0
    for word in words:
        new = other(word[0])
        if new == word[0]:
            continue
        changed += 1
        forged = page[: start + word.start()] + new + page[start + word.end() :]
        said = told(forged, page)
        assert said, word[0]
        assert new.strip("._-") in said or "The answer" in said, (word[0], said)
    assert changed > 300


def test_so_is_every_chapter(page: str) -> None:
    words = list(re.finditer(r"(?<=>)[^<>\n]*\w[^<>\n]*(?=<)", page[: page.rindex("<script")]))
    for word in words[:: len(words) // 150]:
        forged = page[: word.start()] + other(word[0]) + page[word.end() :]
        assert forged == page or told(forged, page), word[0]


def test_the_first_card_is_named_with_both_winners(page: str) -> None:
    found = WINNER.search(page)
    assert found
    forged = page.replace(found[0], "class=winner>shifter<", 1)
    (said,) = differences(forged, page)
    assert said == (
        f"The answer, L1Proc, after '{said.split(chr(39))[1]}': the page has shifter, "
        f"its results give {found[1]}"
    )
    assert said.split("'")[1].endswith("L1Proc")


def test_a_difference_in_an_attribute_shows_the_element(page: str) -> None:
    found = re.search(r"<line[^>]* x2=[\d.]+%", page)
    assert found
    forged = re.sub(r"x2=.*", "x2=99.9%", found[0])
    said = told(page.replace(found[0], forged, 1), page)
    assert f"the page has {forged}" in said
    assert f"its results give {found[0]}" in said


FORGERIES = {
    "a hidden element": ("<p class=winner>", "<p class=winner hidden>", "<p class=winner hidden>"),
    "an inline style": ("<p class=winner>", '<p class=winner style="display:none">', "display:none"),
    "another class": ("<p class=winner>", "<p class=paper>", "<p class=paper>"),
    "a label": ("aria-label=Chapters", 'aria-label="podman wins"', "podman wins"),
    "the title": ("<title>Which", "<title>podman, for which", "podman, for which"),
    "a comment": ("<p class=winner>", "<!-- podman --><p class=winner>", "<!-- podman -->"),
    "an element more": ("<p class=winner>", "<p>podman</p><p class=winner>", "the page has <p>"),
    "an element less": ("<p class=winner>", "", "its results give <p class=winner>"),
    "a style sheet more": ("</head>", "<style>p{color:red}</style></head>", "the page has <style>"),
    "the style sheet": ("<style>", "<style>.winner{display:none}", "style is not the one"),
    "the script": ("</script>\n</body>", ";alert(1)</script>\n</body>", "script is not the one"),
    "a script more": ("</body>", "<script>alert(1)</script></body>", "the page has <script>"),
    "the policy": ("default-src &#39;none&#39;", "default-src *", "default-src *"),
    "a link": ("href=#1-the-answer", "href=#2-the-answer", "href=#2-the-answer"),
    "a space that is none": ("Skip to the", "Skip\xa0to the", "Skip to the"),
    "marks that cannot be seen": ("Skip to the", "Skip to \u202ethe", "<U+202E>"),
    "the end of the page": ("</html>", "", "nothing, its results give </html>"),
    "what comes behind it": ("</html>", "</html>\npodman wins", "podman wins"),
    "other data of the same name": (
        "<body>",
        '<body><script type="application/json" id="what-if-data">{}</script>',
        "what-if-data",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_a_reader_does_not_see_is_compared_too(name: str, plain: str) -> None:
    old, new, words = FORGERIES[name]
    assert old in plain
    assert words in told(plain.replace(old, new, 1), plain)


def test_two_cards_in_another_order_are_a_difference(page: str) -> None:
    cards = re.findall(r"<article class=\"card.*?</article>", page, re.DOTALL)
    forged = page.replace(cards[0], "@@@").replace(cards[1], cards[0]).replace("@@@", cards[1])
    assert "The answer" in told(forged, page)


def test_every_number_of_the_scripts_data_is_compared(plain: str) -> None:
    start = plain.index('id="what-if-data">')
    data = plain[start : plain.index("</script>", start)]
    numbers = list(re.finditer(r"(?<=[:,\[])-?\d+(\.\d+)?(?=[,\]}])", data))
    assert len(numbers) > 100
    for number in numbers[:: len(numbers) // 60]:
        forged = plain[: start + number.start()] + "0.123" + plain[start + number.end() :]
        assert "the data of the what-if chapter" in told(forged, plain), number


def test_the_last_digit_of_a_sum_may_be_another_processors(plain: str) -> None:
    found = re.search(r"(?<=[:,\[])0\.\d{12,}(?=[,\]}])", plain)
    assert found
    near, far = (plain.replace(found[0], repr(float(found[0]) + by), 1) for by in (2e-16, 1e-8))
    assert not told(near, plain)
    assert "the data of the what-if chapter" in told(far, plain)


def packed_again(page: str, name: str, old: str, new: str) -> str:
    """A page in which what is packed says something else."""
    found = re.search(rf'(id="{name}">)"(.*?)"(?=</script>)', page)
    assert found
    held = json.dumps(packing.unpacked(found[2]), ensure_ascii=False)
    assert old in held
    return page.replace(found[2], packing.packed(json.loads(held.replace(old, new, 1))))


def test_what_is_packed_is_compared_by_what_it_says(page: str) -> None:
    forged = packed_again(page, "packed", "exit status 0", "exit status 7")
    assert re.match(r"(The evidence|Security attempts), ", told(forged, page))
    assert "what-if chapter" in told(packed_again(page, "what-if-data", "recommended", "tied"), page)
    again = re.search(r'id="packed">"(.*?)"<', page)
    assert again
    less = gzip.compress(json.dumps(packing.unpacked(again[1]), ensure_ascii=False).encode(), 1, mtime=0)
    packing_of_another_library = base64.b85encode(less).decode().translate(packing._HARMLESS)
    assert packing_of_another_library != again[1]
    assert not told(page.replace(again[1], packing_of_another_library), page)
    assert "damaged" in told(page.replace(again[1], again[1][:-40]), page)


def test_of_what_it_was_made_from_only_the_form_is_compared(page: str) -> None:
    assert not told(page.replace('"tool":"', '"tool":"9.9 '), page)
    for forged in (
        page.replace('"tool":"', '"answer":"podman","tool":"'),
        page.replace('"tool":"', '"tool":"<!--<script>'),
        page.replace('{"tool":', '{ "tool":'),
    ):
        assert "what the page was made from" in told(forged, page)


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "local/..", "local", "a/b/c/d", ""])
def test_a_page_cannot_have_any_folder_read(name: str, page: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="runs"):
        Origin(tool=tool(), runs=(name,), read=(), files={})
    report = tmp_path / "report.html"
    report.write_text(re.sub(r'"runs":\["[^"]*"', f'"runs":["{name}"', page), encoding="utf-8")
    with pytest.raises(EvaluationError, match="nothing to be written again from"):
        carried(report)


def test_results_that_are_not_there_are_named(tmp_path: Path) -> None:
    origin = Origin(tool=tool(), runs=("local/none",), read=("local/none-sweep",), files={})
    with pytest.raises(EvaluationError, match="there is no run local/none, local/none-sweep"):
        results_again(origin, tmp_path, tmp_path / "again")


def test_where_it_stands_is_said_by_headings_and_by_what_stands_before() -> None:
    page = "<h2 id=a>1. One</h2><p>x</p><h3>Card</h3><p>some words before</p><p>12</p>"
    (said,) = differences(page.replace("12", "13"), page)
    assert (
        said == "1. One, Card, after '1. One x Card some words before': the page has 13, its results give 12"
    )
    (said,) = differences("<p>a</p>", "<p>b</p>")
    assert said == "before the first chapter: the page has a, its results give b"
    assert verifying._where("<h2>1</h2><h3>a</h3><h2>2</h2><p>") == "2, after '1 a 2'"
