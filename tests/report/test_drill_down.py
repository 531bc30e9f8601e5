"""From a cell down to its processes: the first, the odd ones, the rest by hash, within bounds."""

from __future__ import annotations

from dataclasses import replace

from synthetic_case import make_case
from synthetic_findings import Findings

from evaluation.model import Evidence
from evaluation.report.evidence import LONGEST, OUTPUT_BUDGET, SHOWN, entries, is_odd
from evaluation.report.source import SiteCase

CELL = ("cold_start", "docker")


def site(blocks: int = 30, transcript: str = "") -> SiteCase:
    return make_case(blocks=blocks, transcript=transcript).measured[0]


def ended(case: SiteCase, cell: tuple[str, str], place: int, exit_status: int) -> SiteCase:
    """The same case, in which one process of a cell ended otherwise."""
    identifier = case.cells[cell].evidence[place]
    odd = replace(case.evidence[identifier], exit_status=exit_status)
    return replace(case, evidence={**case.evidence, identifier: odd})


def test_an_ordinary_cell_shows_its_first_process_and_counts_the_rest() -> None:
    case = site()
    entry = entries(case, case.findings)[CELL]
    identifiers = case.cells[CELL].evidence
    assert [process.evidence.id for process in entry.processes] == [identifiers[0]]
    assert entry.more == len(identifiers) - 1


def test_a_process_that_ended_oddly_is_shown_wherever_it_stands() -> None:
    case = ended(ended(site(), CELL, 17, 1), CELL, 23, -9)
    entry = entries(case, case.findings)[CELL]
    assert [process.evidence.exit_status for process in entry.processes] == [0, 1, -9]


def test_many_odd_processes_do_not_fill_the_page() -> None:
    case = site()
    for place in range(20):
        case = ended(case, CELL, place, 1)
    entry = entries(case, case.findings)[CELL]
    assert len(entry.processes) == SHOWN
    assert entry.more == 30 - SHOWN


def test_survivors_and_time_limits_are_odd() -> None:
    ordinary: Evidence = next(iter(Findings(blocks=1).processes.values()))
    assert not is_odd(ordinary)
    assert is_odd(replace(ordinary, timed_out=True))
    assert is_odd(replace(ordinary, survivors=("4242 sleep",)))


def test_outputs_share_a_budget() -> None:
    case = site(transcript="x" * 1_000_000)
    outputs = [
        len(output.head) + len(output.tail)
        for entry in entries(case, case.findings).values()
        for process in entry.processes
        for output in (process.stdout, process.stderr)
    ]
    assert max(outputs) <= LONGEST
    assert sum(outputs) <= OUTPUT_BUDGET


def test_several_sites_share_the_budget() -> None:
    case = site(transcript="x" * 1_000_000)
    alone, shared = (
        sum(
            len(process.stdout.head) + len(process.stdout.tail)
            for entry in entries(case, case.findings, sites=sites).values()
            for process in entry.processes
        )
        for sites in (1, 30)
    )
    assert shared < alone / 2


def test_evidence_that_cannot_be_read_is_said_in_its_cell_and_spares_the_others() -> None:
    case = site()
    missing = case.cells[CELL].evidence[0]
    broken = replace(case, evidence={key: item for key, item in case.evidence.items() if key != missing})
    found = entries(broken, broken.findings)
    assert missing in found[CELL].problem
    assert found["cold_start", "podman"].processes

    mute = replace(case, outputs={})
    assert "keeps no output" in entries(mute, mute.findings)[CELL].problem
