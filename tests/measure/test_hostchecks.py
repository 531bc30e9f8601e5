"""All looks at the host in one list, for doctor and for a run, which is stopped where nothing can be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluation.errors import EvaluationError
from evaluation.manifest import CheckFacts
from evaluation.measure import hostchecks as module
from evaluation.measure.hostchecks import host_checks, require, told_together
from evaluation.measure.launcher import Launcher
from evaluation.measure.user import ourselves
from evaluation.model import CheckState


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher(ourselves()) as started:
        yield started


def check(what: str, state: CheckState, sentence: str = "so it is") -> CheckFacts:
    return CheckFacts(what=what, state=state, sentence=sentence, costs="anything", remedy="Mend it.")


def test_every_check_is_told_once_and_what_is_wanting_has_its_cost_and_its_remedy(launcher: Launcher) -> None:
    found = [*host_checks(launcher)]
    names = [each.what for each in found]
    assert len(names) == len(set(names))
    assert {"devices", "work folder", "container", "limits", "control groups", "subordinate ids"} <= {*names}
    for each in found:
        assert each.sentence
        told = each.state not in {CheckState.SOUND, CheckState.UNKNOWN}
        assert (bool(each.costs), bool(each.remedy)) == (told, told), each


def test_without_devices_nothing_else_is_looked_at(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = check("devices", CheckState.FATAL, "this host is broken")
    monkeypatch.setattr(module, "premises", lambda _: iter((broken,)))
    assert [*host_checks(launcher)] == [broken]
    with pytest.raises(EvaluationError, match="this host is broken") as caught:
        require(launcher)
    assert caught.value.advice == "Mend it."


def test_what_costs_something_stops_no_measurement(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = (CheckState.LOST, CheckState.CONDITION, CheckState.UNKNOWN, CheckState.SOUND)
    made = [check(str(state), state) for state in states]
    monkeypatch.setattr(module, "host_checks", lambda _: iter(made))
    assert require(launcher) == tuple(made)


def test_of_what_changed_while_a_run_was_interrupted_both_stay() -> None:
    whole = check("limits", CheckState.SOUND)
    job = check("limits", CheckState.CONDITION, "a job of Slurm bounds us")
    before, later = (check("image store", CheckState.SOUND, f"{size} free") for size in ("2 GB", "1 GB"))
    assert told_together((whole, before), (job, later)) == (whole, later, job)
