"""The report on paper, and what is said where there is no browser to print it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PDF = Path(__file__).parents[1] / "setup" / "pdf"
CHROMIUM = shutil.which("chromium")


def printed(*words: str | Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(path)} if path else None
    return subprocess.run([PDF, *words], capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    page = tmp_path / "a report?#%20.html"
    page.write_text("<!doctype html><title>Report</title><p>Something to print.")
    return page


@pytest.fixture
def without_chromium(tmp_path: Path) -> Path:
    """A PATH with what the script itself needs, and no browser."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "env", "head", "id", "ln", "mktemp", "mv", "readlink", "rm", "tail"):
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return folder


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")
def test_it_is_printed_whatever_its_name(report: Path) -> None:
    done = printed(report)
    assert done.returncode == 0, done.stderr
    assert report.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert [path.suffix for path in report.parent.iterdir()] == [".html", ".pdf"]


def test_without_chromium_it_says_what_to_do(report: Path, without_chromium: Path) -> None:
    done = printed(report, path=without_chromium)
    assert done.returncode == 1
    assert "Chromium is missing" in done.stderr
    assert "apt-get install chromium" in done.stderr
    assert not report.with_suffix(".pdf").exists()


def test_a_browser_that_prints_nothing_is_an_error(report: Path, without_chromium: Path) -> None:
    (without_chromium / "chromium").write_text("#!/bin/sh\necho 'no screen, no sandbox'\n")
    (without_chromium / "chromium").chmod(0o755)
    done = printed(report, path=without_chromium)
    assert done.returncode == 1
    assert "printed nothing" in done.stderr
    assert "no screen, no sandbox" in done.stderr
    assert not report.with_suffix(".pdf").exists()


def test_without_a_report_it_says_how_to_make_one(tmp_path: Path) -> None:
    done = printed(tmp_path / "report.html")
    assert done.returncode == 1
    assert "make report" in done.stderr
