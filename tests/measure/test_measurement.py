"""A run's turns: each is kept before the next, and nothing that one runtime or probe does stops the rest."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from bench import TINY, fake_executable, measurement, probe, with_runtime
from made_up_run import manifest
from processes import eventually, running, unique_seconds

from evaluation.blocks import PRESSURE, counted, pressed, set_aside
from evaluation.errors import EvaluationError
from evaluation.manifest import KnobFacts
from evaluation.measure import measurement as module
from evaluation.measure.launcher import FLOODED
from evaluation.measure.profiles import Profile
from evaluation.model import Effect, Observation, Role
from evaluation.probes.base import Probe, Session
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.store import Run

Use = Callable[..., None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Have these probes, all in one group, and no others."""

    def only(*probes: Probe) -> None:
        monkeypatch.setattr(module, "discover", lambda: {item.id: item for item in probes})
        monkeypatch.setattr(module, "group_of", lambda _: "group")
        monkeypatch.setattr(module, "why_enough", lambda *_, **__: "")
        monkeypatch.setattr(module, "cpu_pressure", lambda: None)

    return only


def bare(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "results", manifest())


def with_fake(tmp_path: Path, script: str) -> Run:
    command = fake_executable(tmp_path / "ch-run", script)
    return Run.create(tmp_path / "results", with_runtime(command))


def measured(run: Run, tmp_path: Path, profile: Profile = TINY) -> str:
    with measurement(run, tmp_path / "scratch", profile) as opened:
        return opened.measure("group")


def values(run: Run, name: str, runtime: str) -> list[object]:
    return [item.value for item in run.observations() if (item.name, item.runtime) == (name, runtime)]


def turns(run: Run) -> list[str]:
    lines = (run.path / "observations.jsonl").read_text().splitlines()
    return [line.split('"')[3] for line in lines]


def start(session: Session) -> None:
    done = session.launch(("/bin/true",), timeout_s=60.0 if session.is_control else 1.0)
    session.record("exit_status", done.evidence.exit_status, evidence=(done,))


def test_a_mode_is_asked_what_is_asked_once_and_timed_only_when_named(tmp_path: Path, use: Use) -> None:
    whole = with_runtime(fake_executable(tmp_path / "ch-run", "exit 0"))
    *others, fake = whole.runtimes
    for timed in (False, True):
        use(probe(start, "signal_delivery", repeat="once"), probe(start))
        mode = fake.model_copy(update={"role": Role.VARIANT, "timed": timed})
        run = Run.create(
            tmp_path / f"results-{timed}", whole.model_copy(update={"runtimes": (*others, mode)})
        )
        measured(run, tmp_path)
        asked = Counter(item.probe for item in run.observations() if item.runtime == "charliecloud")
        assert asked == {"signal_delivery": 1} | ({"cold_start": 5} if timed else {})


@pytest.mark.parametrize(("timed", "blocks"), [(False, [0, 1, 2]), (True, [0, 1, 2, 3, 4])])
def test_a_mode_that_nobody_named_starts_in_the_first_blocks(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch, *, timed: bool, blocks: list[int]
) -> None:
    looked: list[set[str]] = []

    def never(
        _: Profile,
        __: Mapping[str, Probe],
        seen: Sequence[Observation],
        *___: float,
        comparisons: int,
    ) -> str:
        looked.append({item.runtime for item in seen})
        assert comparisons == timed
        return ""

    whole = with_runtime(fake_executable(tmp_path / "ch-run", "exit 0"))
    *others, fake = whole.runtimes
    use(replace(probe(start), modes=True))
    monkeypatch.setattr(module, "why_enough", never)
    mode = fake.model_copy(update={"role": Role.VARIANT, "timed": timed})
    run = Run.create(tmp_path / "results", whole.model_copy(update={"runtimes": (*others, mode)}))
    measured(run, tmp_path, replace(TINY, mode_blocks=2))
    assert [item.block for item in run.observations() if item.runtime == "charliecloud"] == blocks
    assert [item.block for item in run.observations() if item.runtime == "host"] == [0, 1, 2, 3, 4]
    assert any("charliecloud" in seen for seen in looked) is timed


def test_what_only_checks_a_sum_is_taken_in_the_first_blocks_and_compared_with_nothing(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[set[str], int]] = []

    def never(
        _: Profile, asked: Mapping[str, Probe], __: Sequence[Observation], *___: float, comparisons: int
    ) -> str:
        looked.append(({*asked}, comparisons))
        return ""

    use(probe(start), replace(probe(start, "warm_start"), checks=True))
    monkeypatch.setattr(module, "why_enough", never)
    run = with_fake(tmp_path, "exit 0")
    measured(run, tmp_path, replace(TINY, mode_blocks=2))
    taken = Counter((item.probe, item.runtime) for item in run.observations())
    for runtime in ("host", "charliecloud"):
        assert (taken["cold_start", runtime], taken["warm_start", runtime]) == (5, 3)
    assert looked
    assert all(seen == ({"cold_start"}, 1) for seen in looked)


# -- runtimes that misbehave -------------------------------------------------------------------------


def test_a_runtime_that_hangs_is_given_up_and_the_run_goes_on(tmp_path: Path, use: Use) -> None:
    marker = unique_seconds()
    use(probe(start))
    run = with_fake(tmp_path, f"setsid sleep {marker} & sleep {marker}")
    measured(run, tmp_path)
    assert len(run.turns_done()) == 5 * 3
    assert values(run, "exit_status", "host") == [0] * 5
    assert values(run, "exit_status", "charliecloud") == [-signal.SIGKILL] * 3
    (given_up,) = set(values(run, "error", "charliecloud"))
    assert given_up == "charliecloud did not end within the time limit in 3 turns in a row: given up"
    assert sum(item.timed_out for item in run.evidence().values()) == 3
    assert running(marker) == []


def test_a_runtime_that_dies_leaves_its_signal_as_evidence(tmp_path: Path, use: Use) -> None:
    use(probe(start))
    run = with_fake(tmp_path, "kill -SEGV $$")
    measured(run, tmp_path)
    assert values(run, "exit_status", "charliecloud") == [-signal.SIGSEGV] * 5
    assert values(run, "exit_status", "host-again") == [0] * 5


def test_a_runtime_that_says_why_it_failed_is_quoted(tmp_path: Path, use: Use) -> None:
    use(probe(start))
    run = with_fake(tmp_path, "echo 'ch-run[1]: error: made up (a fake)' >&2; exit 31")
    measured(run, tmp_path)
    assert set(values(run, "runtime_failure", "charliecloud")) == {"ch-run[1]: error: made up (a fake)"}


def test_a_runtime_that_floods_is_said_to(tmp_path: Path, use: Use) -> None:
    use(
        probe(
            lambda session: session.record("failure", session.launch(("/bin/true",)).failure), repeat="once"
        )
    )
    run = with_fake(tmp_path, "exec cat /dev/zero")
    measured(run, tmp_path)
    assert values(run, "failure", "charliecloud") == [FLOODED]
    assert values(run, "runtime_failure", "charliecloud") == [FLOODED]
    assert values(run, "failure", "host") == [""]


def test_a_runtime_that_is_gone_is_no_crash(tmp_path: Path, use: Use) -> None:
    use(probe(start))
    run = with_fake(tmp_path, "exit 0")
    (tmp_path / "ch-run").unlink()
    measured(run, tmp_path)
    assert values(run, "exit_status", "charliecloud") == [127] * 5


# -- probes that misbehave ---------------------------------------------------------------------------


def test_a_probe_that_breaks_is_recorded_and_the_others_go_on(tmp_path: Path, use: Use) -> None:
    def broken(session: Session) -> None:
        session.record("before", 1.0)
        raise ZeroDivisionError(session.runtime)

    use(probe(broken, "broken"), probe(start))
    run = bare(tmp_path)
    measured(run, tmp_path)
    line = broken.__code__.co_firstlineno + 2
    told = f"ZeroDivisionError: host (tests/measure/test_measurement.py:{line})"
    assert set(values(run, "error", "host")) == {told}
    assert values(run, "before", "host") == [1.0] * 5
    assert values(run, "exit_status", "host") == [0] * 5


def test_a_value_that_is_none_is_the_probes_error(tmp_path: Path, use: Use) -> None:
    use(probe(lambda session: session.record("rate", float("inf"), "1/s"), repeat="once"))
    run = bare(tmp_path)
    measured(run, tmp_path)
    (told,) = values(run, "error", "host")
    # The probe's own line, not that of what it called.
    assert re.fullmatch(
        r"ValueError: rate is inf, which is no value \(tests/measure/test_measurement\.py:\d+\)", str(told)
    )


def test_what_a_runtime_refuses_is_recorded(tmp_path: Path, use: Use) -> None:
    def refuse(session: Session) -> None:
        message = "not by design"
        raise RuntimeRefusalError(message, where=session.runtime)

    use(probe(refuse, repeat="once"))
    run = bare(tmp_path)
    measured(run, tmp_path)
    assert values(run, "refused", "host") == ["host: not by design"]


def test_nothing_of_a_turn_lasts_longer_than_the_turn(tmp_path: Path, use: Use) -> None:
    marker = unique_seconds()
    left: list[Path] = []

    def careless(session: Session) -> None:
        assert running(marker) == []
        assert not any(path.exists() for path in left)
        left.append(session.work)
        (session.work / "closed").mkdir(mode=0o000)
        session.start_on_host(("sleep", marker))
        session.start_by_verifier(("sleep", marker))
        session.on_host(("sh", "-c", f"sleep {marker} & exit"))
        assert eventually(lambda: len(running(marker)) == 3)
        message = "and then it breaks"
        raise OSError(message)

    use(probe(careless))
    run = bare(tmp_path)
    measured(run, tmp_path)
    (told,) = set(values(run, "error", "host"))
    assert str(told).startswith("OSError: and then it breaks (tests/measure/test_measurement.py:")
    assert len(left) == 10
    assert running(marker) == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_probe_runs_in_its_own_image_and_a_missing_form_is_an_error_of_that_runtime_alone(
    tmp_path: Path, use: Use
) -> None:
    def look(session: Session) -> None:
        session.record("tree", session.image_path("/usr"))

    use(probe(look, "usual", repeat="once"), replace(probe(look, "larger", repeat="once"), image="med"))
    run = with_fake(tmp_path, "exit 0")
    manifest = run.manifest
    assert manifest.image is not None
    bare, fake = manifest.image.forms
    forms = (
        bare.model_copy(update={"reference": "/med", "digest": "other"}),
        fake.model_copy(update={"reference": "", "digest": "", "problem": "the disk is full"}),
    )
    med = manifest.image.model_copy(update={"name": "med", "digest": "other", "forms": forms})
    run.write_manifest(manifest.model_copy(update={"ladder": (med,)}))
    measured(run, tmp_path)
    seen = {(item.probe, item.runtime, item.name): item for item in run.observations()}
    assert seen["usual", "host", "tree"].value == "/made-up/usr"
    assert seen["larger", "host", "tree"].value == "/med/usr"
    assert seen["larger", "host", "tree"].image_digest == "other"
    assert seen["larger", "charliecloud", "error"].value == "the disk is full"
    assert ("usual", "charliecloud", "error") not in seen


def test_without_an_image_only_what_needs_none_is_run(tmp_path: Path, use: Use) -> None:
    use(
        probe(start, "bare"),
        probe(lambda session: session.record("path", session.image_path("/usr")), "tree", repeat="once"),
        probe(
            lambda session: session.record("ok", session.launch(("python3",)).ok), "program", repeat="once"
        ),
    )
    run = bare(tmp_path)
    measured(run, tmp_path)
    assert values(run, "exit_status", "host") == [0] * 5
    errors = values(run, "error", "host")
    assert len(errors) == 2
    assert all("there is no image here, and this needs files of it" in str(error) for error in errors)
    assert values(run, "path", "host") == values(run, "ok", "host") == []


# -- interruptions -----------------------------------------------------------------------------------


def after(turns_taken: int, action: Callable[[Session], None]) -> Callable[[Session], None]:
    left = [turns_taken]

    def observe(session: Session) -> None:
        left[0] -= 1
        if left[0] < 0:
            action(session)
        start(session)

    return observe


def interrupt(_: Session) -> None:
    raise KeyboardInterrupt


def test_an_interruption_keeps_what_was_measured_and_the_rest_follows_in_its_order(
    tmp_path: Path, use: Use
) -> None:
    use(probe(start), probe(start, "cpu_rate", repeat="once"))
    whole = Run.create(tmp_path / "whole", manifest())
    measured(whole, tmp_path)

    run = bare(tmp_path)
    use(probe(after(7, interrupt)), probe(start, "cpu_rate", repeat="once"))
    with pytest.raises(KeyboardInterrupt):
        measured(run, tmp_path)
    kept = turns(run)
    assert 7 <= len(kept) < len(turns(whole))
    use(probe(start), probe(start, "cpu_rate", repeat="once"))
    measured(Run(run.path), tmp_path)
    assert turns(run) == turns(whole)
    assert turns(run)[: len(kept)] == kept


def test_an_interruption_by_hand_can_be_gone_on_with_in_the_same_session(tmp_path: Path, use: Use) -> None:
    marker = unique_seconds()

    def alarmed(*_: object) -> None:
        raise KeyboardInterrupt

    def hang(session: Session) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        session.launch(("/bin/sleep", marker))

    run = bare(tmp_path)
    before = signal.signal(signal.SIGALRM, alarmed)
    try:
        with measurement(run, tmp_path / "scratch") as opened:
            use(probe(after(3, hang)))
            with pytest.raises(KeyboardInterrupt):
                opened.measure("group")
            assert len(turns(run)) == 3
            assert running(marker) == []
            use(probe(start))
            opened.measure("group")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert set(Counter(turns(run)).values()) == {1}
    assert values(run, "exit_status", "host") == [0] * 5


def test_what_is_done_is_not_done_again(tmp_path: Path, use: Use) -> None:
    run = bare(tmp_path)
    use(probe(start))
    measured(run, tmp_path)
    before = {path: path.read_bytes() for path in run.path.iterdir()}
    use(probe(lambda session: pytest.fail(f"measured again: {session.runtime}")))
    assert measured(Run(run.path), tmp_path) == "group: every planned block was measured"
    assert {path: path.read_bytes() for path in run.path.iterdir()} == before


def test_without_its_launcher_a_run_stops_and_no_turn_is_spoiled(tmp_path: Path, use: Use) -> None:
    run = bare(tmp_path)
    launchers: list[int] = []

    def kill(_: Session) -> None:
        os.kill(launchers[0], signal.SIGKILL)

    use(probe(after(3, kill)))
    with measurement(run, tmp_path / "scratch") as opened:
        launchers.append(opened._bench.launcher._process.pid)
        with pytest.raises(EvaluationError, match="the launcher's process has ended"):
            opened.measure("group")
    assert len(turns(run)) == 3
    assert not [item for item in run.observations() if item.name == "error"]


# -- stopping ----------------------------------------------------------------------------------------


def test_measuring_stops_between_blocks_and_tells_why(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float]] = []

    def enough(
        _: object,
        probes: object,
        observations: Sequence[object],
        blocks: int,
        spent_s: float,
        *,
        comparisons: int,
    ) -> str:
        assert comparisons == 0  # the bare host alone
        asked.append((blocks, spent_s))
        assert len(observations) == 2 * (blocks + 1)
        assert list(probes) == ["cold_start"]  # type: ignore[call-overload]
        return "enough" if blocks == 2 else ""

    use(probe(start))
    monkeypatch.setattr(module, "why_enough", enough)
    run = bare(tmp_path)
    assert measured(run, tmp_path) == "group: enough"
    assert [blocks for blocks, _ in asked] == [0, 1, 2]
    assert {key.rsplit("/", 1)[1] for key in run.turns_done()} == {"0", "1", "2"}
    # Gone on with, it stops at the same place: the time spent before counts.
    again = list(asked)
    asked.clear()
    measured(Run(run.path), tmp_path)
    assert [blocks for blocks, _ in asked] == [2]
    assert asked[0][1] == pytest.approx(again[-1][1], abs=0.01)


def test_what_depends_on_a_moment_is_asked_as_often_as_its_probe_says(tmp_path: Path, use: Use) -> None:
    use(replace(probe(start, repeat="once"), turns=3))
    run = bare(tmp_path)
    measured(run, tmp_path)
    assert sorted(run.turns_done()) == [f"cold_start/host/{block}" for block in range(3)]
    assert not any(item.warm_up for item in run.observations())
    measured(Run(run.path), tmp_path)
    assert len(run.turns_done()) == 3


def test_a_profile_without_blocks_leaves_asking_again_to_whoever_opened_it(tmp_path: Path, use: Use) -> None:
    use(replace(probe(start, repeat="once"), turns=3))
    run = bare(tmp_path)
    with measurement(run, tmp_path / "scratch", replace(TINY, blocks=0)) as opened:
        opened.measure("group")
    assert len(run.turns_done()) == 1


# -- pressure ----------------------------------------------------------------------------------------


def under(monkeypatch: pytest.MonkeyPatch, *pressures: float) -> None:
    """Let the bare host's turns find these pressures, one after the other, and then none."""
    left = list(pressures)
    monkeypatch.setattr(module, "cpu_pressure", lambda: left.pop(0) if left else 0.0)


def test_a_block_under_pressure_is_set_aside_as_a_whole_and_taken_again(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(probe(start))
    under(monkeypatch, 0.1, 0.21)
    run = bare(tmp_path)
    with measurement(run, tmp_path / "scratch", replace(TINY, repeats=3)) as opened:
        opened.measure("group")
    blocks = Counter(item.block for item in run.observations() if item.name == "exit_status")
    assert blocks == dict.fromkeys(range(6), 2)  # block 0 to warm up, 4 planned, 1 repeated; nothing deleted
    assert set_aside(run.observations()) == {"cold_start": {2}}
    kept = {item.block for item in counted(run.observations()) if not item.warm_up}
    assert kept == {1, 3, 4, 5}
    assert values(run, PRESSURE, "host") == [0.1, 0.21, 0.0, 0.0, 0.0]
    assert values(run, PRESSURE, "host-again") == []


def test_a_machine_that_is_always_busy_has_its_blocks_counted_all_the_same(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(probe(start), probe(start, "cpu_rate"))
    under(monkeypatch, *[0.9] * 99)
    run = bare(tmp_path)
    with measurement(run, tmp_path / "scratch", replace(TINY, repeats=2)) as opened:
        opened.measure("group")
    assert {probe: len(blocks) for probe, blocks in set_aside(run.observations()).items()} == {
        "cold_start": 2,
        "cpu_rate": 2,
    }
    assert {probe: len(blocks) for probe, blocks in pressed(run.observations()).items()} == {
        "cold_start": 4,
        "cpu_rate": 4,
    }
    assert len({item.block for item in counted(run.observations()) if not item.warm_up}) == 4


def test_what_was_set_aside_before_an_interruption_still_is(
    tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = replace(TINY, repeats=3)
    run = bare(tmp_path)
    use(probe(after(7, interrupt)))
    under(monkeypatch, 0.9, 0.9)
    with pytest.raises(KeyboardInterrupt), measurement(run, tmp_path / "scratch", profile) as opened:
        opened.measure("group")
    use(probe(start))
    under(monkeypatch, 0.0)
    with measurement(Run(run.path), tmp_path / "scratch", profile) as opened:
        opened.measure("group")
    assert set_aside(run.observations()) == {"cold_start": {1, 2}}
    assert len({item.block for item in counted(run.observations()) if not item.warm_up}) == 4


def test_where_the_kernel_tells_no_pressure_nothing_is_set_aside(tmp_path: Path, use: Use) -> None:
    use(probe(start))
    run = bare(tmp_path)
    with measurement(run, tmp_path / "scratch", replace(TINY, repeats=3)) as opened:
        opened.measure("group")
    assert not set_aside(run.observations())
    assert not values(run, PRESSURE, "host")


def test_only_the_probes_asked_for(tmp_path: Path, use: Use) -> None:
    use(probe(start), probe(start, "cpu_rate"))
    run = bare(tmp_path)
    with measurement(run, tmp_path / "scratch") as opened:
        opened.measure("group", only=("cpu_rate",))
    assert {item.probe for item in run.observations()} == {"cpu_rate"}


def test_a_finished_run_is_complete(tmp_path: Path, use: Use) -> None:
    use(probe(start))
    run = bare(tmp_path)
    with measurement(run, tmp_path / "scratch", TINY) as opened:
        opened.measure("group")
        opened.finish()
    run.verify()
    assert run.complete


# -- one flag more ------------------------------------------------------------------------------------


def with_flag(tmp_path: Path, script: str) -> Run:
    """A run with a fake runtime, and the same with one flag more."""
    made = with_runtime(fake_executable(tmp_path / "ch-run", script))
    fake = made.runtimes[-1]
    knob = KnobFacts(of=fake.id, options=("--weak",), effect=Effect.WEAKENS, expected="Made up.")
    arm = fake.model_copy(update={"id": f"{fake.id}+weak", "options": ("--weak",), "knob": knob})
    facts = made.model_copy(update={"runtimes": (*made.runtimes, arm)})
    return Run.create(tmp_path / "results", facts)


def test_a_flag_is_an_arm_that_runs_the_same_form_with_it(tmp_path: Path, use: Use) -> None:
    use(probe(start, repeat="once"))
    run = with_flag(tmp_path, '[ "$1" = --weak ] && exit 7; exit 0')
    measured(run, tmp_path)
    assert values(run, "exit_status", "charliecloud") == [0]
    assert values(run, "exit_status", "charliecloud+weak") == [7]
    told = next(item for item in run.evidence().values() if "--weak" in item.argv)
    assert "/made-up" in told.argv


def test_turns_are_taken_again_on_every_runtime_as_it_is_and_an_interruption_costs_none(
    tmp_path: Path, use: Use
) -> None:
    use(probe(start, repeat="once"), probe(start, "other", repeat="once"))
    run = with_flag(tmp_path, "exit 0")
    with measurement(run, tmp_path / "scratch") as opened:
        opened.measure("group")
        opened.repeat("group", 2, only=["cold_start"])
        before = turns(run)
        opened.repeat("group", 3, only=["cold_start"])
    assert Counter(turn.split("/")[1] for turn in turns(run) if turn.startswith("cold_start")) == {
        "host": 3,
        "charliecloud": 3,
        "charliecloud+weak": 1,
    }
    assert turns(run)[: len(before)] == before
    assert len(turns(run)) == len(set(turns(run)))


def test_only_some_arms_of_a_probe_can_be_asked_for_and_the_bare_host_is_among_them(
    tmp_path: Path, use: Use
) -> None:
    use(probe(start, repeat="once"), probe(start, "other", repeat="once"))
    run = with_flag(tmp_path, "exit 0")
    with measurement(run, tmp_path / "scratch") as opened:
        opened.measure("group", arms={"cold_start": ["charliecloud+weak"]})
    assert sorted(turns(run)) == [
        "cold_start/charliecloud+weak/0",
        "cold_start/host/0",
        "other/charliecloud+weak/0",
        "other/charliecloud/0",
        "other/host/0",
    ]
