"""What strangers wrote is shown as it is, and nothing in it stays hidden."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.report.text import command, excerpt, exit_words, first_sentence, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nline", "windows\nline"),
        ("\x1b[31mred", "<U+001B>[31mred"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("\u2066isolated\u2069", "<U+2066>isolated<U+2069>"),
        ("bell\a and nul\0", "bell<U+0007> and nul<U+0000>"),
        ("overwritten\rwith this", "overwritten<U+000D>with this"),
        ("Universit\u00e4t \u65e5\u672c", "Universit\u00e4t \u65e5\u672c"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_short_output_is_shown_whole() -> None:
    assert excerpt(b"all of it", 100).head == "all of it"
    assert excerpt(b"all of it", 100).omitted == 0


def test_a_long_output_keeps_both_ends_and_says_how_much_is_missing() -> None:
    cut = excerpt(b"begin" + b"x" * 1_000_000 + b"the error", 60)
    assert cut.head.startswith("begin")
    assert cut.tail.endswith("the error")
    assert len(cut.head) + len(cut.tail) == 60
    assert cut.omitted == 1_000_014 - 60


def test_bytes_that_are_no_text_are_shown_as_bytes() -> None:
    assert excerpt(b"\xff\xfeELF", 100).head == r"\xff\xfeELF"


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])), min_size=1))
def test_a_command_can_be_pasted_into_a_shell(argv: list[str]) -> None:
    assert shlex.split(command(tuple(argv))) == argv


@pytest.mark.parametrize(
    ("status", "timed_out", "words"),
    [
        (0, False, "exit status 0"),
        (42, False, "exit status 42"),
        (-15, False, "ended by SIGTERM"),
        (-9, True, "ended by us after its time limit"),
        (-63, False, "ended by signal 63"),
    ],
)
def test_the_end_of_a_process_is_said_in_words(status: int, timed_out: bool, words: str) -> None:  # noqa: FBT001 - a column of the table
    assert exit_words(status, timed_out=timed_out) == words


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("podman wins, 0.07 ahead. docker is knocked out.", "podman wins, 0.07 ahead."),
        ("Only one sentence.", "Only one sentence."),
        ("No full stop", "No full stop"),
        ("", ""),
    ],
)
def test_the_first_sentence_ends_at_its_full_stop(text: str, first: str) -> None:
    assert first_sentence(text) == first
