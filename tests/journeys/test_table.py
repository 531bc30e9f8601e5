"""Every command and option that a reader is told of is run by a journey; README.md here says by which.

This file is the last one of its folder, so that the journeys have been made before it looks at their book.
`JOURNEYS=write` writes the table anew from what was run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from journeys.naming import Commands, Uses, make_use, merged, named_in
from journeys.walking import BOOK, PROJECT

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
JOURNEYS = ("newcomer", "site_contact", "kit", "reviewer", "release_manager", "contributor", "batch")
READ = (
    PROJECT / "README.md",
    PROJECT / "CONTRIBUTING.md",
    PROJECT / "results" / "README.md",
    *(
        PROJECT / "docs" / name
        for name in ("sites.md", "sites-in-detail.md", "batch.md", "images.md", "workloads.md", "scaling.md")
    ),
)
HELP = "--help"


@pytest.fixture(scope="module")
def commands() -> Commands:
    return Commands.of(Path(sys.executable), PROJECT)


def uses_of(book: list[tuple[str, tuple[str, ...]]], journey: str, commands: Commands) -> Uses:
    found: list[Uses] = []
    for who, words in book:
        if who == journey and words[0] == "make":
            found.append(make_use(words[1:]))
        elif who == journey and words[0] == "evaluation" and (use := commands.use(words[1:])):
            found.append({use[0]: use[1]})
    return merged(found)


def table() -> dict[str, Uses]:
    """What the page says of each journey."""
    said: dict[str, Uses] = {journey: {} for journey in JOURNEYS}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) != len(JOURNEYS) + 1 or not cells[0].startswith("`"):
            continue
        for journey, cell in zip(JOURNEYS, cells[1:], strict=True):
            if cell:
                said[journey][cells[0].strip("`")] = set(re.findall(r"`([^`]+)`", cell))
    return said


def written(said: dict[str, Uses]) -> str:
    """The table's rows."""
    rows = [
        "| | " + " | ".join(each.replace("_", " ") for each in JOURNEYS) + " |",
        "| --- " * (len(JOURNEYS) + 1) + "|",
    ]
    for command in sorted(set().union(*said.values())):
        cells = []
        for journey in JOURNEYS:
            options = said[journey].get(command)
            cells.append(
                "" if options is None else " ".join(f"`{each}`" for each in sorted(options)) or "yes"
            )
        rows.append(f"| `{command}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def whole(journey: str, passed: set[str]) -> bool:
    """Whether every test of a journey passed in this session."""
    tests = re.findall(
        r"^def (test_\w+)", (HERE / f"test_{journey}.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    names = {node.rpartition("::")[2].partition("[")[0] for node in passed if f"test_{journey}.py::" in node}
    return set(tests) <= names


def missing(wanted: Uses, said: dict[str, Uses]) -> list[str]:
    everywhere = merged(said.values())
    return [
        f"{command} {option}".strip()
        for command, options in sorted(wanted.items())
        for option in ["", *sorted(options - {HELP})]
        if (option not in everywhere.get(command, set()) if option else command not in everywhere)
    ]


@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_journey_runs_what_the_table_says(journey: str, passed: set[str], commands: Commands) -> None:
    if not whole(journey, passed):
        pytest.skip(f"the {journey.replace('_', ' ')}'s journey was not made whole in this session")
    ran, said = uses_of(BOOK, journey, commands), table()
    if os.environ.get("JOURNEYS") == "write":
        said[journey] = ran
        head, _, _ = PAGE.read_text(encoding="utf-8").partition("\n| | ")
        PAGE.write_text(f"{head}\n{written(said)}\n", encoding="utf-8")
    not_run = missing(said[journey], {journey: ran})
    assert not not_run, f"the table says so, and it was not run: {not_run}"
    assert not missing(ran, {journey: said[journey]}), "run, and not in the table: JOURNEYS=write"


def test_every_command_and_option_of_the_help_is_in_a_journey(commands: Commands) -> None:
    assert len(commands.all()) > 30
    assert missing(commands.all(), table()) == []


def test_every_target_of_make_is_in_a_journey() -> None:
    told = subprocess.run(("make", "help"), cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  ([a-z-]+) ", told, re.MULTILINE)
    variables = re.findall(r"\[([A-Z_]+)=", told)
    assert {"report", "site", "test"} <= set(targets)
    assert missing({f"make {target}": set() for target in targets}, table()) == []
    everywhere = merged(table().values())
    used = set().union(*(options for command, options in everywhere.items() if command.startswith("make ")))
    assert set(variables) <= used


@pytest.mark.parametrize("path", READ, ids=lambda path: path.name)
def test_every_command_that_the_documentation_names_is_in_a_journey(path: Path, commands: Commands) -> None:
    named = named_in(path.read_text(encoding="utf-8"), commands)
    assert named
    assert missing(named, table()) == []


def test_what_is_not_in_a_journey_is_found(commands: Commands) -> None:
    text = "see `make teleport FAR='1 2'`, `evaluation images ledger\\|diff` and\n\n"
    text += "```sh\n.venv/bin/evaluation run --site x\n"
    text += "./evaluate --yes\nsudo ./evaluate plant\n./evaluate lab\n```\n"
    named = named_in(text, commands)
    assert named == {
        "make teleport": {"FAR"},
        "evaluation image ledger": set(),
        "evaluation image diff": set(),
        "evaluation run": {"--site"},
        "evaluation guide": {"--yes"},
        "evaluation plant": set(),
    }
    assert missing(named, {"one": {"evaluation run": set(), "evaluation image diff": set()}}) == [
        "evaluation guide",
        "evaluation guide --yes",
        "evaluation image ledger",
        "evaluation plant",
        "evaluation run --site",
        "make teleport",
        "make teleport FAR",
    ]
