"""What a runtime adds or takes away is claimed only where both sides show something."""

from __future__ import annotations

import pytest

from evaluation.decide.delta import against_host
from evaluation.model import Delta, Finding, Outcome, ProbeTexts

HOLDS, FAILS, INERT, ERROR = Outcome.HOLDS, Outcome.FAILS, Outcome.INERT, Outcome.ERROR


def finding(outcome: Outcome, runtime: str = "docker", checklist_id: str = "P15") -> Finding:
    texts = ProbeTexts(
        question="?", why="", method="", remedy="", group="security", checklist_id=checklist_id
    )
    return Finding(
        site="s",
        run="r",
        runtime=runtime,
        probe="p",
        probe_version=1,
        outcome=outcome,
        message="",
        texts=texts,
    )


@pytest.mark.parametrize(
    ("own", "hosts", "delta"),
    [
        (FAILS, [HOLDS], Delta.ADDED),
        (HOLDS, [FAILS], Delta.TAKEN_AWAY),
        (FAILS, [FAILS], Delta.SAME),
        (HOLDS, [HOLDS], Delta.SAME),
        (HOLDS, [HOLDS, FAILS], Delta.TAKEN_AWAY),
        (FAILS, [HOLDS, FAILS], Delta.SAME),
        (FAILS, [INERT, HOLDS], Delta.ADDED),
        (FAILS, [INERT], Delta.UNKNOWN),
        (FAILS, [], Delta.UNKNOWN),
        (INERT, [FAILS], Delta.UNKNOWN),
        (INERT, [INERT], Delta.UNKNOWN),
        (ERROR, [HOLDS], Delta.UNKNOWN),
        (HOLDS, [ERROR], Delta.UNKNOWN),
        (Outcome.UNAVAILABLE, [FAILS], Delta.UNKNOWN),
        (Outcome.UNSUPPORTED, [FAILS], Delta.UNKNOWN),
    ],
)
def test_a_runtime_is_held_against_what_the_bare_host_could(
    own: Outcome, hosts: list[Outcome], delta: Delta
) -> None:
    assert against_host(finding(own), [finding(outcome, "host") for outcome in hosts]) is delta


def test_the_bare_host_changes_nothing_and_what_is_not_on_the_checklist_is_no_attempt() -> None:
    host = finding(FAILS, "host")
    assert against_host(host, [host]) is None
    assert against_host(finding(FAILS, checklist_id=""), [finding(HOLDS, "host", "")]) is None
