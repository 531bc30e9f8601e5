"""Where the project's files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.project import locate, root

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("folder", [".", "notebooks", "evaluation/probes/security"])
def test_it_is_found_from_any_folder_of_it(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.chdir(ROOT / folder)
    assert root() == ROOT
    assert locate("sites") == ROOT / "sites"
    assert locate("/elsewhere") == Path("/elsewhere")


def test_outside_of_it_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EvaluationError, match=r"no criteria\.yaml here or in a folder above") as told:
        root()
    assert told.value.where == str(tmp_path)
    assert "Change into the project's folder" in told.value.advice
