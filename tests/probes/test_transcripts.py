"""What real runtimes really answered, judged again: a judge that changes its mind is seen here."""

import json
from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.registry import find
from evaluation.testing import Recorded, observations

TRANSCRIPTS = {
    probe: arms
    for path in sorted(Path(__file__).parent.glob("transcripts*.json"))
    for probe, arms in json.loads(path.read_text(encoding="utf-8"))["probes"].items()
}


CASES = [(probe, runtime) for probe, arms in TRANSCRIPTS.items() for runtime in arms]


@pytest.mark.parametrize(("name", "runtime"), CASES)
def test_the_same_answers_are_judged_the_same(name: str, runtime: str) -> None:
    probe = find(name)
    recorded: dict[str, Recorded] = {arm: entry["recorded"] for arm, entry in TRANSCRIPTS[name].items()}
    arms = {arm: observations(probe, values, arm) for arm, values in recorded.items()}
    own = arms.pop(runtime)
    judgement = probe.judge(own, arms)
    assert (judgement.verdict or judgement.outcome) == TRANSCRIPTS[name][runtime]["expected"]


# Every runtime here delivers the signal; that probe's own tests show a client that does not.
@pytest.mark.parametrize("name", sorted(set(TRANSCRIPTS) - {"signal_delivery"}))
def test_every_attempt_was_flipped_by_a_real_runtime(name: str) -> None:
    words = {entry["expected"] for entry in TRANSCRIPTS[name].values()} - {"ERROR"}
    assert words in ({"DENIED", "EXPOSED"}, {Outcome.HOLDS, Outcome.FAILS})
