"""The order of turns: every arm once per block, at random, the same again from the same seed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.measure.schedule import Again, PlannedTurn, plan_turns

CONTROLS = ("host", "host-again")
names = st.text(alphabet="abcdefgh", min_size=1, max_size=3)
plans = st.fixed_dictionaries(
    {
        "repeats": st.dictionaries(names, st.sampled_from(["paired", "once"]), max_size=5),
        "arms": st.lists(names, unique=True, max_size=6),
        "blocks": st.integers(0, 5),
        "seed": st.integers(0, 2**32),
    }
)
Plan = dict[str, object]


def plan(
    repeats: dict[str, str], arms: list[str], blocks: int, seed: int, controls: tuple[str, ...] = CONTROLS
) -> list[PlannedTurn]:
    return list(plan_turns(repeats, dict.fromkeys(repeats, arms), controls, blocks, seed))


@given(plans)
def test_every_arm_once_per_block_and_probe(chosen: Plan) -> None:
    repeats, arms, blocks = chosen["repeats"], chosen["arms"], chosen["blocks"]
    assert isinstance(repeats, dict)
    assert isinstance(arms, list)
    assert isinstance(blocks, int)
    expected: Counter[tuple[str, str, int]] = Counter()
    for probe, repeat in repeats.items():
        paired = repeat == "paired"
        for block in range(blocks + 1 if paired else 1):
            expected.update((probe, arm, block) for arm in [*(CONTROLS if paired else CONTROLS[:1]), *arms])
    turns = plan(**chosen)  # type: ignore[arg-type]
    assert Counter((item.turn.probe, item.turn.runtime, item.turn.block) for item in turns) == expected
    assert len({item.turn.key for item in turns}) == len(turns)


def test_each_probe_has_arms_of_its_own() -> None:
    arms = {"cold_start": ["docker"], "setuid_planting": ["docker", "docker-unsafe"]}
    turns = plan_turns({"cold_start": "paired", "setuid_planting": "once"}, arms, CONTROLS, 1, seed=1)
    seen = {(item.turn.probe, item.turn.runtime) for item in turns}
    assert {runtime for probe, runtime in seen if probe == "cold_start"} == {*CONTROLS, "docker"}
    assert {runtime for probe, runtime in seen if probe == "setuid_planting"} == {
        "host", "docker", "docker-unsafe",
    }  # fmt: skip


def test_what_may_depend_on_a_moment_is_asked_again_of_what_is_timed() -> None:
    repeats = {"cold_start": "paired", "signal_delivery": "once", "image_size": "once"}
    arms = {"cold_start": ["docker"], "signal_delivery": ["docker", "docker-user"], "image_size": ["docker"]}
    again = {"signal_delivery": Again(turns=4, arms=["docker"])}
    turns = [item.turn for item in plan_turns(repeats, arms, CONTROLS, 1, seed=1, again=again)]
    asked = Counter((turn.probe, turn.runtime) for turn in turns)
    assert asked["signal_delivery", "docker"] == asked["signal_delivery", "host"] == 4
    assert asked["signal_delivery", "docker-user"] == asked["image_size", "docker"] == 1
    assert asked["cold_start", "docker"] == 2  # one to warm up; further blocks are the other's alone
    assert ("signal_delivery", "host-again") not in asked
    assert len(set(turns)) == len(turns)


@given(plans)
def test_the_order_within_a_block_is_told_and_blocks_follow_each_other(chosen: Plan) -> None:
    turns = plan(**chosen)  # type: ignore[arg-type]
    assert [item.turn.block for item in turns] == sorted(item.turn.block for item in turns)
    seen: dict[tuple[str, int], list[int]] = {}
    for item in turns:
        seen.setdefault((item.turn.probe, item.turn.block), []).append(item.order)
    assert all(orders == list(range(len(orders))) for orders in seen.values())


@given(plans)
def test_the_warm_up_is_the_first_block_of_a_paired_probe(chosen: Plan) -> None:
    repeats = chosen["repeats"]
    assert isinstance(repeats, dict)
    for item in plan(**chosen):  # type: ignore[arg-type]
        assert item.warm_up == (repeats[item.turn.probe] == "paired" and item.turn.block == 0)


@given(plans)
def test_the_same_seed_gives_the_same_order(chosen: Plan) -> None:
    assert plan(**chosen) == plan(**chosen)  # type: ignore[arg-type]


@given(plans, st.integers(1, 4))
def test_more_blocks_only_come_after(chosen: Plan, more: int) -> None:
    # What a run that is resumed relies on, and one whose number of blocks is asked for by hand.
    longer = plan(**(chosen | {"blocks": chosen["blocks"] + more}))  # type: ignore[arg-type,operator]
    turns = plan(**chosen)  # type: ignore[arg-type]
    assert longer[: len(turns)] == turns


def test_the_order_is_that_of_every_python_and_machine() -> None:
    turns = plan({"cold_start": "paired"}, ["apptainer", "docker"], 2, seed=1)
    assert [f"{item.turn.block}:{item.turn.runtime}" for item in turns] == [
        "0:apptainer", "0:host", "0:host-again", "0:docker",
        "1:host-again", "1:apptainer", "1:host", "1:docker",
        "2:docker", "2:apptainer", "2:host-again", "2:host",
    ]  # fmt: skip


@pytest.mark.parametrize("over", ["seeds", "blocks"])
def test_each_arm_comes_about_equally_often_in_each_place(over: str) -> None:
    arms = ["a", "b", "c", "d"]
    runs = 3000
    if over == "seeds":
        turns = [item for seed in range(runs) for item in plan({"p": "paired"}, arms, 0, seed)]
    else:
        turns = plan({"p": "paired"}, arms, runs - 1, seed=7)
    places = Counter((item.turn.runtime, item.order) for item in turns)
    expected = runs / 6
    chi_squared = sum((count - expected) ** 2 / expected for count in places.values())
    assert len(places) == 36
    # 25 degrees of freedom: seeded, so it comes out the same each time; 52.6 is exceeded once in 1,000.
    assert chi_squared < 52.6


def test_each_arm_follows_each_other_about_equally_often() -> None:
    turns = plan({"p": "paired"}, ["a", "b", "c"], 2999, seed=3)
    pairs = Counter(
        (first.turn.runtime, second.turn.runtime)
        for first, second in pairwise(turns)
        if first.turn.block == second.turn.block
    )
    expected = 3000 * 4 / 20
    assert len(pairs) == 20
    assert all(abs(count - expected) < 5 * expected**0.5 for count in pairs.values())


def test_probes_are_shuffled_within_a_block() -> None:
    turns = plan({"p": "paired", "q": "paired", "r": "paired"}, [], 200, seed=5, controls=("host",))
    firsts = Counter(item.turn.probe for item in turns[::3])
    assert set(firsts) == {"p", "q", "r"}
    assert min(firsts.values()) > 40
