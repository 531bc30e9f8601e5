from pathlib import Path

import pytest

from evaluation.model import CONTROL, Task
from evaluation.probes.registry import find
from evaluation.testing import (
    FAKE,
    FakeRuntime,
    FakeSession,
    FakeTask,
    answered,
    ended,
    is_fake,
    judge,
    observations,
)


@pytest.mark.parametrize(
    ("id_", "fake"), [("fake", True), ("fake-docker", True), ("docker", False), ("faker", False)]
)
def test_fakes_are_known_by_their_id(id_: str, *, fake: bool) -> None:
    assert is_fake(id_) is fake


def test_the_fake_runtime_says_so() -> None:
    runtime = FakeRuntime()
    assert is_fake(runtime.id)
    assert runtime.argv(Task(image="", argv=("true",))) == ("fake", "true")


def test_made_up_observations_come_from_a_fake() -> None:
    own = observations(find("P05"), {"effect": [True, False], "detail": "words"})
    assert own.values("effect") == (True, False)
    assert own.values("detail") == ("words",)
    assert {item.runtime for item in own.items} == {FAKE}
    assert [item.block for item in own.items] == [0, 1, 0]


def test_a_probe_judges_what_it_is_given() -> None:
    assert judge("P05", {"effect": False}, host={"effect": True}).verdict == "DENIED"


def test_a_session_answers_as_it_was_told(tmp_path: Path) -> None:
    session = FakeSession(probe=find("P05"), work=tmp_path, on_launch=lambda argv: ended(argv[0].encode()))
    assert session.launch(("a",)).stdout == b"a"
    assert session.on_host(("b",)).stdout == b"b"
    task = session.start(("c",))
    task.signal(15)
    assert isinstance(task, FakeTask)
    assert task.signals == [15]
    assert task.wait().stdout == b"c"
    assert session.launched == [("a",), ("b",), ("c",)]


@pytest.mark.parametrize(("control", "runtime"), [(True, CONTROL), (False, FAKE)])
def test_what_is_recorded_is_kept(tmp_path: Path, *, control: bool, runtime: str) -> None:
    session = FakeSession(
        probe=find("P05"), work=tmp_path, on_launch=lambda _: answered(), is_control=control
    )
    session.record("n", 3, "1")
    (item,) = session.observations.items
    assert (item.name, item.value, item.unit, item.runtime) == ("n", 3, "1", runtime)
