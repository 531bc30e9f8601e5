"""Which side a process was on, and what was recorded, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_checklist import Checklist

from evaluation.probes import judging
from evaluation.report.sides import _WORDS, in_runtime, seen

MADE = Checklist()
EVIDENCE = next(iter(MADE.processes.values()))
EFFECT = next(iter(MADE.recorded.values()))[1]


@pytest.mark.parametrize(
    ("argv", "command", "inside"),
    [
        (("/usr/bin/docker", "run"), "/usr/bin/docker", True),
        (("docker", "run"), "/usr/bin/docker", True),
        (("/tmp/planted",), "/usr/bin/docker", False),  # noqa: S108 - only a text
        (("/usr/bin/docker",), "", False),
        ((), "/usr/bin/docker", False),
    ],
)
def test_the_runtimes_client_is_told_from_the_verifiers_hand(
    argv: tuple[str, ...], command: str, *, inside: bool
) -> None:
    assert in_runtime(replace(EVIDENCE, argv=argv), command) is inside


def test_what_was_recorded_is_said_in_words() -> None:
    items = [
        EFFECT,
        replace(EFFECT, name="host_uid", value=1001),
        replace(EFFECT, name="took", value=1.5, unit="s"),
        replace(EFFECT, name="nothing_there", value=None),
    ]
    first = "yes" if EFFECT.value else "no"
    assert seen(items) == (
        f"the attempt's effect: {first}",
        "host uid: 1001",
        "took: 1.5 s",
        "nothing there: nothing",
    )


def test_a_value_that_was_not_seen_in_every_turn_says_in_how_many() -> None:
    turns = [replace(EFFECT, value=block == 2, block=block) for block in range(3)]
    assert seen(turns) == (
        "the attempt's effect: no (in 2 of 3 turns)",
        "the attempt's effect: yes (in 1 of 3 turns)",
    )
    assert seen([replace(EFFECT, warm_up=True)]) == ()


def test_what_the_message_quotes_is_not_said_again() -> None:
    detail = replace(EFFECT, name="detail", value="uid 0")
    assert seen([detail], told="it was done (uid 0)") == ()
    assert seen([detail], told="it was done") == ("seen: uid 0",)


def test_every_name_that_attempts_record_under_has_its_words() -> None:
    names = (
        judging.EFFECT,
        judging.CONTROL_DONE,
        judging.CONTROL_TOLD,
        judging.DETAIL,
        judging.ABSENT,
        judging.NOT_PLANTED,
        judging.UNAVAILABLE,
        judging.PROBLEM,
    )
    assert set(names) <= set(_WORDS)
