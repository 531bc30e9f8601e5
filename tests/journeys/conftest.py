"""A clean clone for each journey, and which of their tests passed: the table of journeys asks for that."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from journeys.walking import Clone, clean_clone, everybodys_python, new_folder

CloneOf = Callable[..., Clone]
PASSED: set[str] = set()
"""Node ids of the journeys' tests that passed in this session."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember what passed."""
    report = yield
    if report.when == "call" and report.passed and item.path.parent == Path(__file__).parent:
        PASSED.add(item.nodeid)
    return report


@pytest.fixture(scope="session")
def passed() -> set[str]:
    return PASSED


@pytest.fixture(scope="module")
def clone_of(request: pytest.FixtureRequest) -> Iterator[CloneOf]:
    """Make clones of a journey's own: they and all that was done in them go with the journey."""
    made: list[Path] = []
    journey = request.path.stem.removeprefix("test_")

    def clone(*, user: str = "", offline: bool = False) -> Clone:
        folder = new_folder()
        made.append(folder)
        project = clean_clone(folder / "project", everybodys_python())
        if user:
            subprocess.run(("chown", "-R", f"{user}:", folder), check=True)
        return Clone(folder=project, journey=journey, user=user, offline=offline)

    yield clone
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def clone(clone_of: CloneOf) -> Clone:
    """The journey's clone: what one test did, the next one finds, as a reader does."""
    return clone_of()
