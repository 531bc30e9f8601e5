"""A case is made from the project's files alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_case import FINISHED, manifest
from synthetic_findings import RUNTIMES

from evaluation.errors import EvaluationError
from evaluation.report import chapters
from evaluation.report.load import load_case
from evaluation.report.source import Case
from evaluation.store import Run

ROOT = Path(__file__).parents[2]


def load(results: Path) -> Case:
    criteria, sites = str(ROOT / "criteria.yaml"), str(ROOT / "sites")
    return load_case(results=str(results), criteria=criteria, sites=sites, runs="")


def test_a_run_in_which_nothing_was_observed_yet_makes_a_case_that_says_so(tmp_path: Path) -> None:
    run = Run.create(tmp_path, manifest(RUNTIMES))
    run.finish(FINISHED)
    case = load(tmp_path)
    assert [site.folder for site in case.measured] == ["local/2026-11-14T0912"]
    assert case.measured[0].finished_at == FINISHED
    assert {"local", "slac", "cc-in2p3"} <= case.sites.keys()
    assert "Only the bare host was measured" in chapters.answer(case).html


def test_an_empty_results_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="make report"):
        load(tmp_path)
