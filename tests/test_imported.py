"""Results of docker-bench-security: kept byte for byte, checked, shown with what cannot fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from synthetic_case import make_case

from evaluation.errors import EvaluationError
from evaluation.imported import CANNOT_FAIL, imported, keep, read
from evaluation.report import chapters

RESULT = {
    "dockerbenchsecurity": "1.6.0",
    "start": 1790000000,
    "tests": [
        {
            "id": "2",
            "desc": "Docker daemon configuration",
            "results": [
                {"id": "2.1", "desc": "Run the Docker daemon as a non-root user", "result": "INFO"},
                {
                    "id": "2.2",
                    "desc": "Traffic between containers <script>",
                    "result": "WARN",
                    "details": "none",
                },
            ],
        }
    ],
    "checks": 2,
    "score": -1,
    "end": 1790000009,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bench.log.json"
    path.write_text(json.dumps(RESULT))
    return path


def test_what_is_kept_is_what_was_given_and_twice_is_once(file: Path, tmp_path: Path) -> None:
    first, second = (keep(file, tmp_path / "results", "local") for _ in range(2))
    assert first == second
    assert imported(tmp_path / "results", "local") == (first,)
    assert (tmp_path / "results" / first.place).read_bytes() == file.read_bytes()
    assert first.result.counts == {"INFO": 1, "WARN": 1}
    assert [check.cannot_fail for check in first.result.checks] == [True, False]
    assert imported(tmp_path / "results", "elsewhere") == ()


def test_line_ends_within_its_texts_are_read(file: Path) -> None:
    file.write_text(file.read_text().replace('"none"', '"one\n\ttwo"'))
    assert read(file).checks[1].details == "one\n\ttwo"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "is no JSON"),
        ('{"dockerbenchsecurity": "1.6.0",\n "tests": [', "bench.log.json:2"),
        ("[]", "is no result of docker-bench-security"),
        ('{"tests": []}', "dockerbenchsecurity: Field required"),
        ('{"dockerbenchsecurity": "1.6.0", "tests": []}', "holds no check"),
        ('{"dockerbenchsecurity": "1", "tests": [{"results": [{"id": 1}]}]}', "tests.0.results.0.id"),
        ("[" * 100_000, "is no JSON"),
        ("\udcff", "is no JSON"),
    ],
)
def test_anything_else_is_a_clear_error(file: Path, tmp_path: Path, text: str, word: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(EvaluationError) as caught:
        keep(file, tmp_path / "results", "local")
    assert word in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_what_is_missing_too_large_or_changed_is_said(file: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="No such file"):
        read(tmp_path / "nothing")
    kept = keep(file, tmp_path / "results", "local")
    (tmp_path / "results" / kept.place).write_text(json.dumps(RESULT | {"score": 21}))
    with pytest.raises(EvaluationError, match="changed since it was imported"):
        imported(tmp_path / "results", "local")
    file.write_bytes(b" " * 5_000_001)
    with pytest.raises(EvaluationError, match="larger than"):
        read(file)


def test_the_report_shows_it_beside_ours_and_marks_what_cannot_fail(file: Path, tmp_path: Path) -> None:
    kept = keep(file, tmp_path / "results", "local")
    case = make_case()
    site = replace(case.measured[0], imported=(kept,))
    html = chapters.security(replace(case, measured=(site,)))._repr_html_()
    assert "<script>" not in html
    text = " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())
    assert "Version 1.6.0: 1 INFO, 1 WARN" in text
    assert "2.1 INFO cannot fail" in text
    assert "2.2 WARN Traffic between containers" in text
    assert f"{len(CANNOT_FAIL)} of its checks cannot fail" in text
    assert "docker-bench" not in chapters.security(case)._repr_html_()
