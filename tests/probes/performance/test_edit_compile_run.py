"""The edit-compile-run cycle: only a program that says what was edited in is timed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.performance.edit_compile_run import CYCLES, FIRST, PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge

HAS = answered(
    {"what": "program", "name": "make", "ok": True}, {"what": "program", "name": "gcc", "ok": True}
)


def observed(work: Path, *, stale_after: int = 99, compiler: bytes = b"12.2.0\n") -> FakeSession:
    """A session whose make says what stands in the edited file, until it forgets to build."""
    asked: list[tuple[str, ...]] = []

    def answer(argv: tuple[str, ...]) -> Completed:
        if "programs" in argv:
            return HAS
        if "-dumpfullversion" in argv:
            return ended(compiler)
        asked.append(argv)
        number = int((work / "unit0.c").read_text().split("return ")[-1].split(";")[0])
        return ended(
            f"{min(number, FIRST + stale_after)}\n".encode(), duration_s=0.5 if len(asked) > 1 else 9.0
        )

    session = FakeSession(probe=PROBE, work=work, on_launch=answer)
    PROBE.observe(session)
    return session


def test_the_first_build_is_not_a_cycle(tmp_path: Path) -> None:
    session = observed(tmp_path)
    assert session.observations.values("cycle") == (0.5,) * CYCLES
    judgement = PROBE.judge(session.observations, {})
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples == {0: 0.5}


@pytest.mark.parametrize("cycle", range(CYCLES))
def test_a_program_that_was_not_compiled_again_is_no_cycle(tmp_path: Path, cycle: int) -> None:
    judgement = PROBE.judge(observed(tmp_path, stale_after=cycle).observations, {})
    assert judgement.outcome is Outcome.ERROR
    assert f"the program did not say {FIRST + cycle + 1}" in judgement.message


@pytest.mark.parametrize(("host", "outcome"), [("12.2.0", Outcome.MEASURED), ("13.1.0", Outcome.UNAVAILABLE)])
def test_the_bare_host_counts_only_with_the_same_compiler(host: str, outcome: Outcome) -> None:
    own: Recorded = {"cycle": 0.5, "compiler": host}
    found = judge("edit_compile_run", own, runtime="host", docker={"cycle": 0.6, "compiler": "12.2.0"})
    assert found.outcome is outcome


@pytest.mark.skipif(not all(map(shutil.which, ("make", "gcc"))), reason="needs make and gcc here")
def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns) -> None:
    seen = take_turn("edit_compile_run")
    assert PROBE.judge(seen, {}).outcome is Outcome.MEASURED
    assert len(seen.values("cycle")) == CYCLES
