"""From observations to findings: what is computed, what is refused, and that one fault stays one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from made_up import criteria

from evaluation.blocks import PRESSURE, SET_ASIDE
from evaluation.decide.assess import ERROR, assess
from evaluation.model import Comparison, Delta, Finding, Observation, Outcome
from evaluation.probes.base import Judgement, Observations, Probe

BLOCKS = range(12)
IMAGE = "sha256:1"
ORDINARY = Observation(
    probe="start",
    probe_version=1,
    runtime="host",
    block=0,
    order=0,
    name="duration",
    value=1.0,
    unit="s",
    repetition=0,
    warm_up=False,
    evidence=(),
    image_digest=IMAGE,
    observed_at="2030-01-01T00:00:00+00:00",
)


def durations(own: Observations, _: Mapping[str, Observations]) -> Judgement:
    samples = {block: values[0] for block, values in own.by_block("duration").items()}
    return Judgement(outcome=Outcome.MEASURED, message="measured", samples=samples)


def escapes(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    if own.last("escaped"):
        return Judgement(outcome=Outcome.FAILS, message="it got out", verdict="EXPOSED")
    if not others["host"].last("escaped"):
        return Judgement(outcome=Outcome.INERT, message="nobody can", verdict="INERT")
    return Judgement(outcome=Outcome.HOLDS, message="it stayed in", verdict="DENIED")


def probe(name: str, unit: str = "s") -> Probe:
    return Probe(
        id=name,
        version=1,
        question="how long?",
        why="because",
        method="by clock",
        remedy="wait",
        observe=lambda _: None,
        judge=durations if unit else escapes,
        unit=unit,
        checklist_id="" if unit else "P01",
    )


PROBES = {"start": ("performance", probe("start")), "safe": ("security", probe("safe", ""))}


def timed(runtime: str, factor: float, *, blocks: Iterable[int] = BLOCKS) -> list[Observation]:
    """One duration per block; the blocks differ, and every arm scatters a little in its own way."""
    return [
        replace(
            ORDINARY,
            runtime=runtime,
            block=block,
            value=factor * (1 + block) * (1 + 0.004 * math.sin(7 * block + len(runtime))),
            evidence=(f"{runtime}{block}",),
        )
        for block in blocks
    ]


def tried(runtime: str, *, escaped: bool) -> list[Observation]:
    return [replace(ORDINARY, probe="safe", runtime=runtime, name="escaped", value=escaped, unit="")]


HOSTS = [*timed("host", 1.0), *timed("host-again", 1.0)]


def findings(
    observations: Iterable[Observation],
    absent: Mapping[str, str] | None = None,
    image_digest: str = IMAGE,
    apart: tuple[str, ...] = (),
) -> dict[tuple[str, str], Finding]:
    found = assess(
        observations,
        site="here",
        run="today",
        absent=absent or {},
        image_digests={"small": image_digest},
        probes=PROBES,
        criteria=criteria(),
        apart=apart,
    )
    by_key = {(finding.probe, finding.runtime): finding for finding in found}
    assert len(by_key) == len(found)
    return by_key


def test_a_measured_runtime_gets_a_paired_ratio_and_a_verdict() -> None:
    found = findings([*HOSTS, *timed("slow", 3.0), *timed("same", 1.0), *timed("fast", 0.5)])
    slow = found["start", "slow"]
    assert (slow.site, slow.run, slow.texts.group, slow.texts.unit) == ("here", "today", "performance", "s")
    assert slow.ratio is not None
    assert slow.ratio.low <= 3.0 <= slow.ratio.high
    assert slow.ratio.high / slow.ratio.low < 1.01  # the blocks differ twelvefold, the pairs do not
    assert slow.value is not None
    assert slow.value.estimate == pytest.approx(19.5, rel=0.01)
    assert slow.blocks == tuple(BLOCKS)
    assert slow.control == found["start", "host"].samples
    assert slow.evidence == tuple(f"slow{block}" for block in BLOCKS)
    assert slow.image_digest == IMAGE
    comparisons = {name: found["start", name].comparison for name in ("slow", "same", "fast", "host")}
    assert comparisons == {
        "slow": Comparison.WORSE,
        "same": Comparison.EQUIVALENT,
        "fast": Comparison.BETTER,
        "host": None,
    }


def test_the_second_host_arm_shows_the_noise_floor() -> None:
    found = findings(HOSTS)
    floor = found["start", "host-again"]
    assert floor.ratio is not None
    assert floor.ratio.low <= 1.0 <= floor.ratio.high
    assert floor.comparison is None
    assert found["start", "host"].ratio is None


def test_without_the_second_host_arm_nothing_is_claimed() -> None:
    found = findings([*timed("host", 1.0), *timed("slow", 3.0)])
    assert found["start", "slow"].comparison is Comparison.UNRESOLVED


def test_all_comparisons_of_the_run_are_one_family() -> None:
    """Eight blocks carry six claims and not seven (see the tests of the statistics)."""
    hosts = [*timed("host", 1.0, blocks=range(8)), *timed("host-again", 1.0, blocks=range(8))]
    runtimes = [timed(f"r{number}", 3.0, blocks=range(8)) for number in range(7)]
    for count, expected in ((6, Comparison.WORSE), (7, Comparison.UNRESOLVED)):
        found = findings([*hosts, *(item for runtime in runtimes[:count] for item in runtime)])
        assert found["start", "r0"].comparison is expected


def test_what_is_not_ranked_makes_no_comparison_of_the_others_less_sure() -> None:
    hosts = [*timed("host", 1.0, blocks=range(8)), *timed("host-again", 1.0, blocks=range(8))]
    six = [item for number in range(6) for item in timed(f"r{number}", 3.0, blocks=range(8))]
    machine = timed("vm", 3.0, blocks=range(8))
    among = findings([*hosts, *six, *machine])
    assert {among["start", name].comparison for name in ("r0", "vm")} == {Comparison.UNRESOLVED}
    apart = findings([*hosts, *six, *machine], apart=("vm",))
    assert {apart["start", name].comparison for name in ("r0", "vm")} == {Comparison.WORSE}


def test_what_only_checks_a_sum_is_measured_and_compared_with_nothing() -> None:
    checking = {"start": ("performance", replace(probe("start"), checks=True))}
    taken = [*HOSTS, *timed("slow", 3.0)]
    found = assess(
        taken,
        site="here",
        run="today",
        absent={},
        image_digests={},
        probes=checking,
        criteria=criteria(),
    )
    (slow,) = (finding for finding in found if finding.runtime == "slow")
    assert slow.ratio is not None
    assert (slow.comparison, slow.comparisons) == (None, 0)


def test_a_block_that_was_set_aside_counts_for_no_arm_and_is_told() -> None:
    taken = [*HOSTS, *timed("slow", 3.0)]
    aside = [replace(ORDINARY, block=block, name=SET_ASIDE, value=True, unit="") for block in (2, 5)]
    found = findings([*taken, *aside])
    assert found["start", "slow"].blocks == tuple(block for block in BLOCKS if block not in {2, 5})
    assert found["start", "slow"].blocks == found["start", "host"].blocks
    told = "; 2 more blocks were set aside and repeated, the machine being short of processors"
    assert found["start", "slow"].message == findings(taken)["start", "slow"].message + told
    once = findings([*taken, aside[0]])["start", "slow"].message
    assert once.endswith("; 1 more block was set aside and repeated, the machine being short of processors")


def test_where_every_block_was_set_aside_there_is_a_value_that_says_so() -> None:
    taken = [*HOSTS, *timed("slow", 3.0)]
    aside = [replace(ORDINARY, block=block, name=SET_ASIDE, value=True, unit="") for block in BLOCKS]
    found, quiet = findings([*taken, *aside]), findings(taken)
    for runtime in ("host", "slow"):
        busy = found["start", runtime]
        assert busy.outcome is Outcome.MEASURED
        assert busy.value == quiet["start", runtime].value
        assert busy.pressed == len(busy.blocks)
        assert busy.message.endswith(
            f"; all {len(busy.blocks)} blocks were taken while the machine was short of processors"
        )
        assert quiet["start", runtime].pressed == 0


def test_blocks_that_were_taken_under_pressure_are_counted_in_words() -> None:
    under = [replace(ORDINARY, block=block, name=PRESSURE, value=0.5, unit="1") for block in (2, 5)]
    found = findings([*HOSTS, *timed("slow", 3.0), *under])["start", "slow"]
    assert found.pressed == 2
    assert f"2 of {len(found.blocks)} blocks were taken while" in found.message


def reached(own: Observations, _: Mapping[str, Observations]) -> Judgement:
    holds = all(own.values("reached"))
    return Judgement(outcome=Outcome.HOLDS if holds else Outcome.FAILS, message="as seen")


def asked(runtime: str, *answers: bool | None) -> list[Observation]:
    return [
        replace(
            ORDINARY, probe="reached", runtime=runtime, block=block, name="reached", value=answer, unit=""
        )
        for block, answer in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("answers", "outcome", "held", "turns"),
    [
        ((True,) * 6, Outcome.HOLDS, 6, 6),
        ((False,) * 6, Outcome.FAILS, 0, 6),
        ((True, True, False, True, True, True), Outcome.SOMETIMES, 5, 6),
        ((True,), Outcome.HOLDS, 0, 0),  # a run of before, or a mode that is asked once
        ((False,), Outcome.FAILS, 0, 0),
    ],
)
def test_what_is_asked_several_times_is_judged_turn_by_turn(
    answers: tuple[bool, ...], outcome: Outcome, held: int, turns: int
) -> None:
    question = replace(probe("reached", ""), checklist_id="", judge=reached, turns=6)
    (found,) = assess(
        asked("docker", *answers),
        site="here",
        run="today",
        absent={},
        image_digests={},
        probes={"reached": ("operations", question)},
        criteria=criteria(),
    )
    assert (found.outcome, found.held, found.turns) == (outcome, held, turns)


@pytest.mark.parametrize(
    ("answers", "outcome", "held", "turns"),
    [
        ((True, None, True), Outcome.HOLDS, 2, 2),
        ((True, None, False), Outcome.SOMETIMES, 1, 2),
        ((False, None, False), Outcome.FAILS, 0, 2),
        ((None, None), Outcome.ERROR, 0, 0),
    ],
)
def test_a_turn_in_which_the_probe_broke_counts_neither_for_nor_against(
    answers: tuple[bool | None, ...], outcome: Outcome, held: int, turns: int
) -> None:
    question = replace(probe("reached", ""), checklist_id="", judge=reached, turns=6)
    taken = [
        item if item.value is not None else replace(item, name=ERROR, value="OSError: gone")
        for item in asked("docker", *answers)
    ]
    (found,) = assess(
        taken,
        site="here",
        run="today",
        absent={},
        image_digests={},
        probes={"reached": ("operations", question)},
        criteria=criteria(),
    )
    assert (found.outcome, found.held, found.turns) == (outcome, held, turns)
    assert "OSError: gone" in found.message


def test_an_attempt_that_had_its_effect_once_is_exposed() -> None:
    often = replace(probe("safe", ""), turns=3)
    taken = [
        replace(item, block=block)
        for block in range(3)
        for item in (*tried("host", escaped=True), *tried("docker", escaped=block == 2))
    ]
    found = {
        finding.runtime: finding
        for finding in assess(
            taken,
            site="here",
            run="today",
            absent={},
            image_digests={},
            probes={"safe": ("security", often)},
            criteria=criteria(),
        )
    }
    assert (found["docker"].outcome, found["docker"].verdict) == (Outcome.FAILS, "EXPOSED")


def test_a_comparison_knows_among_how_many_it_must_hold() -> None:
    hosts = [*timed("host", 1.0, blocks=range(8)), *timed("host-again", 1.0, blocks=range(8))]
    six = [item for number in range(6) for item in timed(f"r{number}", 3.0, blocks=range(8))]
    among = findings([*hosts, *six, *timed("vm", 3.0, blocks=range(8))], apart=("vm",))
    assert (among["start", "r0"].comparisons, among["start", "vm"].comparisons) == (6, 1)
    assert among["start", "host"].comparisons == 0


def test_only_blocks_in_which_both_were_measured_are_paired() -> None:
    found = findings([*HOSTS, *timed("late", 2.0, blocks=range(5, 20))])
    assert found["start", "late"].blocks == tuple(range(5, 12))
    lonely = findings([*HOSTS, *timed("late", 2.0, blocks=range(12, 20))])["start", "late"]
    assert lonely.outcome is Outcome.ERROR
    assert "no block in which the bare host was measured too" in lonely.message


def test_two_blocks_have_no_interval() -> None:
    found = findings([*HOSTS, *timed("new", 2.0, blocks=range(2))])
    assert found["start", "new"].outcome is Outcome.MEASURED
    assert found["start", "new"].value is None
    assert found["start", "new"].ratio is None


def test_attempts_are_judged_beside_their_control() -> None:
    found = findings(
        [*tried("host", escaped=True), *tried("open", escaped=True), *tried("closed", escaped=False)]
    )
    assert {name: found["safe", name].outcome for name in ("host", "open", "closed")} == {
        "host": Outcome.FAILS,
        "open": Outcome.FAILS,
        "closed": Outcome.HOLDS,
    }
    assert found["safe", "open"].verdict == "EXPOSED"
    inert = findings([*tried("host", escaped=False), *tried("closed", escaped=False)])
    assert inert["safe", "closed"].outcome is Outcome.INERT


def test_attempts_say_what_the_runtime_changes() -> None:
    able = findings([*tried("host", escaped=True), *tried("closed", escaped=False)], {"gone": "not here"})
    assert {name: able["safe", name].delta for name in ("host", "closed", "gone")} == {
        "host": None,
        "closed": Delta.TAKEN_AWAY,
        "gone": Delta.UNKNOWN,
    }
    second = [*tried("host", escaped=False), *tried("host-again", escaped=True), *tried("open", escaped=True)]
    assert findings(second)["safe", "open"].delta is Delta.SAME
    assert findings(timed("host", 1.0) + timed("box", 2.0))["start", "box"].delta is None


def test_an_absent_runtime_has_a_finding_with_the_reason_for_every_probe() -> None:
    found = findings([*HOSTS, *tried("host", escaped=True)], absent={"shifter": "not installed"})
    for name in PROBES:
        assert found[name, "shifter"].outcome is Outcome.UNAVAILABLE
        assert found[name, "shifter"].message == "not installed"


def test_a_recorded_error_is_an_error_there_and_nowhere_else() -> None:
    broken = replace(ORDINARY, runtime="slow", block=3, name=ERROR, value="the engine hung", unit="")
    found = findings([*HOSTS, *timed("slow", 3.0), *timed("fast", 0.5), broken, *tried("host", escaped=True)])
    assert found["start", "slow"].outcome is Outcome.ERROR
    assert found["start", "slow"].message == "the engine hung (in 1 of 12 blocks)"
    assert found["start", "slow"].samples == ()
    assert found["start", "fast"].comparison is Comparison.BETTER
    assert found["safe", "host"].outcome is Outcome.FAILS


def test_an_error_does_not_hide_a_failure_that_was_seen() -> None:
    broken = replace(ORDINARY, probe="safe", runtime="open", block=1, name=ERROR, value="hung", unit="")
    assert (
        findings([*tried("host", escaped=True), *tried("open", escaped=True), broken])["safe", "open"].outcome
        is Outcome.FAILS
    )
    found = findings([*tried("host", escaped=True), *tried("closed", escaped=False), broken])
    assert found["safe", "open"].outcome is Outcome.ERROR
    assert found["safe", "closed"].outcome is Outcome.HOLDS


def test_a_probe_that_cannot_judge_is_an_error_and_the_rest_goes_on() -> None:
    found = findings([*tried("closed", escaped=False), *HOSTS])  # no bare host beside the attempt
    assert found["safe", "closed"].outcome is Outcome.ERROR
    assert "KeyError" in found["safe", "closed"].message
    assert found["start", "host"].outcome is Outcome.MEASURED


def test_a_measurement_without_samples_is_an_error() -> None:
    empty = [replace(item, name="something else") for item in timed("odd", 1.0)]
    assert findings([*HOSTS, *empty])["start", "odd"].outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("unlike", "complaint"),
    [
        ({"image_digest": "sha256:2"}, "different images (sha256:1, sha256:2)"),
        ({"probe_version": 2}, "recorded by version 2 of the probe, judged by version 1"),
        ({"unit": "ms"}, "duration was recorded in different units (ms, s)"),
    ],
)
@pytest.mark.parametrize("how_many", [1, 12])
def test_only_like_joins_like(unlike: dict[str, str | int], complaint: str, how_many: int) -> None:
    """Law 3, for a runtime that is unlike the bare host altogether or only in one block."""
    items = timed("odd", 1.0)
    items[:how_many] = [replace(item, **unlike) for item in items[:how_many]]  # type: ignore[arg-type]
    found = findings([*HOSTS, *items, *timed("slow", 3.0)])
    assert found["start", "odd"].outcome is Outcome.ERROR
    assert complaint in found["start", "odd"].message
    assert found["start", "odd"].ratio is None
    assert found["start", "slow"].comparison is Comparison.WORSE


def test_another_image_than_the_run_says_is_refused() -> None:
    found = findings([*HOSTS, *timed("slow", 3.0)], image_digest="sha256:9")
    assert {found["start", name].outcome for name in ("host", "slow")} == {Outcome.ERROR}


def test_the_bare_host_may_have_no_image() -> None:
    bare = [replace(item, image_digest="") for item in HOSTS]
    assert findings([*bare, *timed("slow", 3.0)])["start", "slow"].outcome is Outcome.MEASURED


def test_results_of_a_probe_that_is_not_known_are_an_error_and_not_lost() -> None:
    found = findings([replace(item, probe="older") for item in HOSTS])
    assert found["older", "host"].outcome is Outcome.ERROR
    assert "does not know" in found["older", "host"].message
