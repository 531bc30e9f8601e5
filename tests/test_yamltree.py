"""Reading: what the dialect accepts, where things stand, and that nothing hostile gets through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError, Fault, FaultyDocumentError
from evaluation.yamltree import Document, dotted, read


def parse(folder: Path, text: str | bytes) -> Document:
    path = folder / "some.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def refusal(folder: Path, text: str | bytes) -> Fault:
    with pytest.raises(FaultyDocumentError) as caught:
        parse(folder, text)
    (fault,) = caught.value.faults
    return fault


def test_values_are_plain_and_of_yaml_1_2(tmp_path: Path) -> None:
    document = parse(
        tmp_path,
        "whole: 12\nnegative: -3\nfraction: 0.5\npower: 1e-3\nyes_is_text: yes\ntruth: true\nnone: null\n"
        'empty:\nquoted: "12"\ndate: 2017-06-06\nlist: [1, two]\nnested: {a: {b: [x]}}\n',
    )
    assert not document.faults
    assert document.data == {
        "whole": 12,
        "negative": -3,
        "fraction": 0.5,
        "power": 0.001,
        "yes_is_text": "yes",
        "truth": True,
        "none": None,
        "empty": None,
        "quoted": "12",
        "date": "2017-06-06",
        "list": [1, "two"],
        "nested": {"a": {"b": ["x"]}},
    }


def test_a_fault_stands_at_the_key_the_value_or_the_nearest_thing_there_is(tmp_path: Path) -> None:
    document = parse(tmp_path, "top:\n  inner: value\n  list:\n    - first\n    -   second\n")

    def place(*location: str | int, at_key: bool = False) -> tuple[int, int]:
        fault = document.fault(location, "m", at_key=at_key)
        return fault.line, fault.column

    assert place("top", "inner") == (2, 10)
    assert place("top", "inner", at_key=True) == (2, 3)
    assert place("top", "list", 1) == (5, 9)
    assert place("top", "list") == (3, 3), "a block of lines is placed at its key"
    assert place("top", "absent", "deeper") == (1, 1)
    assert place("top", "inner", "absent") == (2, 3)
    assert place() == (1, 1)


def test_the_caret_points_at_the_column(tmp_path: Path) -> None:
    document = parse(tmp_path, "# first\nkey:   wrong\n")
    shown = str(document.fault(("key",), "no")).splitlines()
    assert shown[0].endswith("some.yaml:2:8: no")
    assert shown[1].index("wrong") == shown[2].index("^")


def test_every_kind_of_line_end_counts_as_yaml_counts_it(tmp_path: Path) -> None:
    document = parse(tmp_path, "a: 1\r\nb: 2\rc: 3\nd: 0x4\n")
    (fault,) = document.faults
    assert (fault.line, fault.column, fault.excerpt) == (4, 4, "d: 0x4")


def test_a_byte_order_mark_moves_nothing(tmp_path: Path) -> None:
    document = parse(tmp_path, b"\xef\xbb\xbfa: 0x4\n")
    (fault,) = document.faults
    assert (fault.line, fault.column, fault.excerpt) == (1, 4, "a: 0x4")


def test_a_very_long_line_is_not_repeated_in_the_message(tmp_path: Path) -> None:
    document = parse(tmp_path, "a: 0x1 # " + "x" * 5000)
    assert document.faults[0].excerpt == ""


def test_duplicate_keys_are_all_named_and_the_first_one_holds(tmp_path: Path) -> None:
    document = parse(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n")
    assert [(fault.line, fault.column) for fault in document.faults] == [(2, 11), (3, 1), (4, 1)]
    assert "line 1" in document.faults[1].message
    assert document.data == {"a": 1, "b": {"c": 1}}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: &x 1\n", "anchors"),
        ("a: &x [1]\nb: *x\n", "anchors"),
        ("a: &x {b: *x}\n", "anchors"),
        ("a: &x 1\nb: &x 2\n", "anchors"),
        ("a: !!python/object:os.system {}\n", "tags"),
        ("a: !mine 1\n", "tags"),
        ("a: !!set {b}\n", "tags"),
        ("a: {<<: {b: 1}}\n", "key should be text"),
        ("1: a\n", "key should be text, not '1'"),
        ("? [a]\n: b\n", "key should be text"),
        ("a: 0o17\n", "plain decimal"),
        ("a: 0x1F\n", "plain decimal"),
        ("a: 1_000\n", "plain decimal"),
        (f"a: {'9' * 5000}\n", "plain decimal"),
        ("a: .inf\n", "finite"),
        ("a: .NaN\n", "finite"),
        ("a: 1e999\n", "finite"),
        ('a: "\\ud800"\n', "surrogate"),
        ("a: " + "[" * 40 + "]" * 40 + "\n", "nested more than"),
    ],
)
def test_what_the_dialect_has_not_is_a_fault_at_its_place(tmp_path: Path, text: str, word: str) -> None:
    document = parse(tmp_path, text)
    assert document.faults
    assert word in document.faults[0].message
    assert document.faults[0].line == 1


def test_a_document_that_would_expand_without_bound_is_refused_at_once(tmp_path: Path) -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    document = parse(tmp_path, "\n".join(rows))
    assert len(document.faults) == 30
    assert set(document.data.values()) == {None}


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("", 1, 1, "empty"),
        ("# only a comment\n", 1, 1, "empty"),
        ("- a\n- b\n", 1, 1, "not a list"),
        ("just words\n", 1, 1, "not a single value"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, 2, "not YAML"),
        ("a: 'open\n", 2, 1, "not YAML"),
        ("a:\n\t- tab\n", 2, 1, "not YAML"),
        ("a: 1\n---\nb: 2\n", 2, 1, "not YAML"),
        ("a: *nowhere\n", 1, 4, "not YAML"),
        ("a: b\nc: \x00d\n", 2, 4, "U+0000"),
        ("a: \x1b[31m\n", 1, 4, "U+001B"),
        (b"a: 1\nb: caf\xe9\n", 2, 7, "0xe9 is not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, 1, "UTF-8"),
        ("[" * 5000, 1, 1, "nested too deeply"),
        ('a: "\\UFFFFFFFF"\n', 1, 1, "not YAML"),
        ("%YAML 9.9\n---\na: 1\n", 1, 1, "not YAML"),
    ],
)
def test_what_is_no_document_is_one_fault(
    tmp_path: Path, text: str | bytes, line: int, column: int, word: str
) -> None:
    fault = refusal(tmp_path, text)
    assert word in fault.message
    assert (fault.line, fault.column) == (line, column)


def test_what_is_no_file_is_an_error_with_advice(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 2_000_000)
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    cases = {
        tmp_path / "absent.yaml": "No such file",
        tmp_path: "directory",
        fifo: "not a regular file",
        Path("/dev/zero"): "not a regular file",
        large: "larger than",
        tmp_path / "nul\0.yaml": "no file name",
        tmp_path / ("x" * 300): "too long",
    }
    for path, word in cases.items():
        with pytest.raises(EvaluationError, match=word) as caught:
            read(path)
        assert caught.value.where == str(path)
        assert caught.value.advice


def test_locations_are_written_as_a_reader_would() -> None:
    assert dotted(("use_cases", "l1proc", "knock_outs", 0, "when")) == "use_cases.l1proc.knock_outs[0].when"
    assert dotted(()) == ""
