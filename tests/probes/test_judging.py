from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Observations
from evaluation.probes.judging import Attempt, problem, relative
from evaluation.probes.registry import find
from evaluation.testing import Recorded, observations

ATTEMPT = Attempt(done="it was done", not_done="it was not done", control="root could")
ANY = find("P05")


def judged(own: Recorded, others: dict[str, Recorded], runtime: str = "fake") -> tuple[str, str, str]:
    arms = {arm.replace("_", "-"): observations(ANY, recorded, arm) for arm, recorded in others.items()}
    judgement = ATTEMPT(observations(ANY, own, runtime), arms)
    return judgement.outcome, judgement.verdict, judgement.message


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        ({"effect": True}, {}, ("FAILS", "EXPOSED", "it was done")),
        ({"effect": True, "detail": "uid 0"}, {}, ("FAILS", "EXPOSED", "it was done (uid 0)")),
        ({"effect": [False, True]}, {}, ("FAILS", "EXPOSED", "it was done in 1 of 2 turns")),
        (
            {"effect": [True, False], "detail": ["it read", "refused"]},
            {},
            ("FAILS", "EXPOSED", "it was done in 1 of 2 turns (it read)"),
        ),
        (
            {"effect": False},
            {"host": {"effect": True}},
            ("HOLDS", "DENIED", "it was not done; control: the bare host could"),
        ),
        (
            {"effect": False},
            {"host_again": {"effect": True}},
            ("HOLDS", "DENIED", "it was not done; control: the bare host could"),
        ),
        (
            {"effect": False, "detail": "No such file", "control": True},
            {"host": {"effect": False}},
            ("HOLDS", "DENIED", "it was not done (No such file); control: root could"),
        ),
        (
            {"effect": False, "control": True, "control_told": "a canary could"},
            {"host": {"effect": False}},
            ("HOLDS", "DENIED", "it was not done; control: a canary could"),
        ),
        (
            {"effect": False, "control": False, "control_told": "a canary could"},
            {"host": {"effect": False}},
            ("INERT", "INERT", "it was not done, but no control could do it either, so this shows nothing"),
        ),
        (
            {"effect": False},
            {"host": {"effect": False}, "docker": {"effect": True}, "a": {"effect": True}},
            ("HOLDS", "DENIED", "it was not done; control: a, docker could"),
        ),
        (
            {"effect": False},
            {"host": {"effect": False}, "docker": {"effect": False}},
            ("INERT", "INERT", "it was not done, but no control could do it either, so this shows nothing"),
        ),
        (
            {"effect": False, "control": False, "not_planted": "ask root"},
            {},
            (
                "INERT",
                "INERT",
                "it was not done, but no control could do it either, so this shows nothing; ask root",
            ),
        ),
        ({"not_planted": "ask root"}, {"host": {"effect": True}}, ("INERT", "INERT", "ask root")),
        ({"absent": "no keyring here"}, {}, ("HOLDS", "ABSENT", "no keyring here")),
        ({"problem": "it broke"}, {"host": {"effect": True}}, ("ERROR", "ERROR", "it broke")),
        (
            {"effect": [False, False], "problem": [None, "it broke"]},
            {"host": {"effect": True}},
            ("ERROR", "ERROR", "it broke (1 of 2 turns)"),
        ),
        ({"effect": True, "problem": "it broke"}, {}, ("FAILS", "EXPOSED", "it was done")),
        ({"detail": "x"}, {"host": {"effect": True}}, ("ERROR", "ERROR", "no effect was recorded")),
        ({}, {"host": {"effect": True}}, ("ERROR", "ERROR", "nothing was observed")),
    ],
)
def test_an_attempt_is_judged(
    own: Recorded, others: dict[str, Recorded], expected: tuple[str, str, str]
) -> None:
    assert judged(own, others) == expected


def test_the_host_itself_is_what_a_plain_job_can_do() -> None:
    assert judged({"effect": False}, {}, "host") == (
        "HOLDS",
        "DENIED",
        "it was not done; this is what a plain job can do",
    )
    assert judged({"effect": True}, {}, "host")[1] == "EXPOSED"
    assert judged({"not_planted": "ask root"}, {}, "host")[1] == "INERT"


def test_an_attempt_without_words_has_an_outcome_only() -> None:
    silent = Attempt(done="done", not_done="not done", words=False)
    judgement = silent(observations(ANY, {"effect": True}), {})
    assert (judgement.outcome, judgement.verdict) == (Outcome.FAILS, "")


def test_measured_values_become_the_median_of_each_block() -> None:
    own = observations(ANY, {"t": [1.0, 5.0]})
    more = observations(ANY, {"t": [3.0, 5.0]})
    both = type(own)((*own.items, *more.items, *observations(ANY, {"t": [9.0]}).items))
    judgement = relative(both, {}, "t")
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples == {0: 3.0, 1: 5.0}
    assert judgement.message == "5 measured in 2 blocks"


@pytest.mark.parametrize(
    ("own", "host", "message"),
    [
        ({"t": 1.0, "n": 3}, {"n": 4}, "n was 3 and on the bare host 4: other work was done"),
        (
            {"t": [1.0, 1.0], "n": [3, 4]},
            {"n": 3},
            "n was 3 or 4 and on the bare host 3: other work was done",
        ),
        ({"t": 1.0}, {"n": 3}, "n was not recorded and on the bare host 3: other work was done"),
        ({"n": 3}, {"n": 3}, "no value of t was recorded"),
        ({"t": 1.0, "n": 3, "problem": "no sentinel"}, {"n": 3}, "no sentinel"),
        ({}, {"n": 3}, "nothing was observed"),
    ],
)
def test_a_measurement_that_is_none_is_an_error(own: Recorded, host: Recorded, message: str) -> None:
    judgement = relative(
        observations(ANY, own), {"host": observations(ANY, host, "host")}, "t", same_work=("n",)
    )
    assert (judgement.outcome, judgement.message) == (Outcome.ERROR, message)
    assert judgement.samples is None


@pytest.mark.parametrize("name", ["problem", "unavailable"])
def test_a_control_that_failed_is_no_runtimes_fault(name: str) -> None:
    host = {"host": observations(ANY, {name: "stack smashing detected"}, "host")}
    judgement = relative(observations(ANY, {"t": 1.0, "n": 3}), host, "t", same_work=("n",))
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert "the bare host did not do this work" in judgement.message
    assert "stack smashing" not in judgement.message, "it is said once, of the bare host"
    failed = relative(observations(ANY, {"problem": "out of memory"}), host, "t", same_work=("n",))
    assert (failed.outcome, failed.message) == (Outcome.ERROR, "out of memory")


def test_equal_work_is_measured() -> None:
    host = {"host": observations(ANY, {"n": [3, 3]}, "host")}
    judgement = relative(observations(ANY, {"t": 1.0, "n": 3}), host, "t", same_work=("n",))
    assert judgement.outcome is Outcome.MEASURED


def test_warm_up_turns_are_no_turns_that_were_lost() -> None:
    probe = find("cold_start")
    taken = observations(probe, {"problem": ["it broke"] * 3}).items
    items = (replace(taken[0], warm_up=True), *taken[1:])
    assert problem(Observations(items)) == "it broke (2 of 2 turns)"
    twice = (*items, replace(items[-1], repetition=1))  # two problems of one turn are one turn
    assert problem(Observations(twice)) == "it broke (2 of 2 turns)"
