"""What a probe asks for beside its command: cores, memory, environment, binds, what stands before the client.

A pin or a limit that is lost makes a probe measure something else, and nothing that it prints would show it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rival import AS_ROOT

from evaluation.model import Bind, Completed
from evaluation.probes.base import Probe
from evaluation.probes.jobgroups import JobGroup, start_in
from evaluation.probes.registry import discover, find, group_of
from evaluation.probes.security import requested_limit
from evaluation.testing import Asked, FakeSession, answered, ended

PAYLOAD = Path("/payload/probe")
PLAIN = Asked(argv=())
"""A command with nothing said of it."""

Answer = Callable[[tuple[str, ...]], Completed]


def fails(_: tuple[str, ...]) -> Completed:
    return ended(exit_status=125, stderr=b"cannot connect to the daemon")


def works(_: tuple[str, ...]) -> Completed:
    return ended()


def has_programs(argv: tuple[str, ...]) -> Completed:
    """An image that has every program that it is asked about."""
    names = argv[argv.index("programs") + 1 :] if "programs" in argv else ()
    return answered(*({"what": "program", "name": name, "ok": True} for name in names))


def asked(probe: str, work: Path, answer: Answer = fails, **about: Any) -> list[Asked]:  # noqa: ANN401 - fields of a session
    """Everything that a probe asked for, where every command ends so."""
    session = FakeSession(probe=find(probe), work=work, on_launch=answer, **about)
    module = importlib.import_module(session.probe.observe.__module__)
    with pytest.MonkeyPatch.context() as patched:
        for patience in ("READY_S", "MARK_S"):
            if hasattr(module, patience):
                patched.setattr(module, patience, 0.01)
        session.probe.observe(session)
    return session.asked


def inside(items: list[Asked]) -> list[Asked]:
    return [item for item in items if item.place == "inside"]


def said(item: Asked) -> Mapping[str, object]:
    """What was said of a command, beside its argv and its patience."""
    plain = replace(PLAIN, argv=item.argv, timeout_s=item.timeout_s, place=item.place)
    names = (
        "binds",
        "env",
        "host_env",
        "workdir",
        "stdin",
        "cpus",
        "before",
        "memory_bytes",
        "terminal",
        "writable",
    )
    return {name: getattr(item, name) for name in names if getattr(item, name) != getattr(plain, name)}


def test_the_fake_keeps_all_that_it_is_asked(tmp_path: Path) -> None:
    session = FakeSession(probe=find("P05"), work=tmp_path, on_launch=works)
    bind = Bind(source="/a", target="/b", read_only=True)
    everything: dict[str, Any] = {
        "binds": (bind,), "env": {"A": "1"}, "host_env": {"B": "2"}, "workdir": "/w", "stdin": b"x",
        "timeout_s": 7.0, "cpus": "3", "before": ("nice",), "memory_bytes": 5, "terminal": True,
        "writable": True,
    }  # fmt: skip
    session.launch(("one",), **everything)
    started = {"binds", "env", "host_env", "workdir", "before", "memory_bytes"}
    session.start(("two",), **{name: value for name, value in everything.items() if name in started})
    session.on_host(("three",), stdin=b"y", timeout_s=1.0)
    session.start_on_host(("four",))
    session.by_verifier(("five",), timeout_s=2.0)
    session.start_by_verifier(("six",))
    assert session.asked[0] == Asked(argv=("one",), **everything)
    assert said(session.asked[1]) == {name: everything[name] for name in started}
    assert [item.place for item in session.asked] == [
        "inside",
        "inside",
        "host",
        "host",
        "verifier",
        "verifier",
    ]
    assert (session.asked[2].stdin, session.asked[2].timeout_s, session.asked[4].timeout_s) == (
        b"y",
        1.0,
        2.0,
    )
    assert session.launched == [item.argv for item in session.asked]


# -- cores and memory --------------------------------------------------------------------------------


@pytest.mark.parametrize("control", [False, True], ids=["inside", "bare"])
def test_the_pinned_probe_is_held_to_one_core_on_both_sides(tmp_path: Path, control: bool) -> None:  # noqa: FBT001
    (item,) = asked("open_rate_pinned", tmp_path, is_control=control)
    assert said(item) == {"cpus": str(max(os.sched_getaffinity(0)))}


def test_its_sister_is_not_pinned_and_asks_for_the_same(tmp_path: Path) -> None:
    (pinned,), (free,) = asked("open_rate_pinned", tmp_path), asked("open_rate", tmp_path)
    assert said(free) == {}
    assert free.argv == pinned.argv


@pytest.mark.parametrize(
    "probe",
    [
        probe
        for probe in discover().values()
        if group_of(probe.id) == "performance"
        and probe.needs == ("payload",)
        and probe.id != "open_rate_pinned"
    ],
    ids=lambda probe: probe.id,
)
def test_no_other_measured_probe_is_pinned_or_limited(probe: Probe, tmp_path: Path) -> None:
    for item in inside(asked(probe.id, tmp_path)):
        assert not {"cpus", "before", "memory_bytes", "terminal", "writable"} & set(said(item))


def test_a_limit_is_asked_for_the_second_time_alone(tmp_path: Path) -> None:
    def held(argv: tuple[str, ...]) -> Completed:
        (tmp_path / f"{Path(argv[3]).name}.ready").touch()
        return ended()

    with pytest.MonkeyPatch.context() as patched:
        # The made-up process has no number: it is taken to have held the memory where its mark is there.
        patched.setattr(
            requested_limit, "took", lambda session, name, *_: (session.work / f"{name}.ready").exists()
        )
        free, limited = inside(asked("requested_limit", tmp_path, held))
    assert said(free) == {}
    assert said(limited) == {"memory_bytes": requested_limit.LIMIT_BYTES}
    assert free.argv[:3] == limited.argv[:3]


# -- what stands before the client -------------------------------------------------------------------


def test_a_terminal_is_put_before_the_client_and_asked_of_the_runtime(tmp_path: Path) -> None:
    (item,) = asked("interactive_terminal", tmp_path)
    assert item.before[:2] == (str(PAYLOAD), "terminal")
    assert said(item).keys() == {"before", "host_env", "terminal"}
    assert item.host_env.keys() == {"TERM"}


def test_the_clients_session_keyring_holds_the_word(tmp_path: Path) -> None:
    control, item = asked("keyring_exposure", tmp_path)
    assert item.before[:2] == (str(PAYLOAD), "with-key")
    assert control.argv[: len(item.before)] == item.before  # the control stands behind the very same
    assert said(item).keys() == {"before"}


def test_the_jobs_limits_are_set_before_the_client_as_before_the_control(tmp_path: Path) -> None:
    free, bare, item = asked("job_limit_inheritance", tmp_path)
    assert "ulimit -n 512" in item.before[2]
    assert "taskset" in item.before[2]
    assert bare.argv == (*item.before, *free.argv)


def test_the_umask_is_set_before_the_client_as_before_the_control(tmp_path: Path) -> None:
    items = asked("umask_inheritance", tmp_path)
    (item,) = inside(items)
    assert "umask" in " ".join(item.before)
    assert items[1].argv[: len(item.before)] == item.before
    assert items[0].argv[:2] == (str(PAYLOAD), "make-open-tree")


def test_a_client_waits_until_it_is_in_its_control_group(tmp_path: Path) -> None:
    session = FakeSession(probe=find("B01"), work=tmp_path, on_launch=works)
    with start_in(session, JobGroup(path=tmp_path / "group", version=2), ("program",)):
        (item,) = session.asked
        assert (tmp_path / "job-may-start").exists()
    assert item.before[0] == "/bin/sh"
    assert item.before[-1] == str(tmp_path / "job-may-start")
    assert not (tmp_path / "job-may-start").exists()


# -- environment, binds, and a tree that can be written ----------------------------------------------


def test_a_secret_is_in_the_clients_environment_and_not_handed_in(tmp_path: Path) -> None:
    (item,) = asked("environment_secret_inheritance", tmp_path)
    assert said(item).keys() == {"host_env"}
    (word,) = item.host_env.values()
    assert len(word) >= 16
    assert word not in item.argv


def test_a_siblings_secret_is_handed_into_the_sibling_alone(tmp_path: Path) -> None:
    (sibling,) = asked("sibling_environment_exposure", tmp_path)
    assert said(sibling).keys() == {"env"}


def test_a_debugger_gets_a_shell_that_every_image_has(tmp_path: Path) -> None:
    assert any(item.env == {"SHELL": "/bin/sh"} for item in asked("debugger", tmp_path, has_programs))


def test_git_has_its_home_on_the_bind(tmp_path: Path) -> None:
    items = [item for item in inside(asked("git_on_bind", tmp_path, has_programs)) if item.env]
    assert items
    assert all(item.env == {"HOME": "/work"} for item in items)


def test_a_tree_is_asked_for_that_can_be_written(tmp_path: Path) -> None:
    def writes(argv: tuple[str, ...]) -> Completed:
        word = argv[3] if "write" in argv else ""
        lines = [{"what": "write", "ok": True}] if word else []
        return answered(*lines, {"what": "read", "ok": True, "text": word})

    first, second = asked("image_tree_writing", tmp_path, writes)
    assert said(first) == said(second) == {"writable": True}


def test_a_job_has_its_data_its_environment_and_its_directory(tmp_path: Path) -> None:
    (item,) = inside(asked("monte_carlo", tmp_path))
    file = find("monte_carlo").observe.workload.file  # type: ignore[attr-defined]
    assert item.workdir == "/work"
    assert item.env.keys() == file.env.keys()
    assert [bind.source for bind in item.binds] == [data.source for data in file.data.values()]


@AS_ROOT
@pytest.mark.parametrize(
    ("probe", "source"),
    [("host_filesystem_bind", "/"), ("setuid_escalation", "canary"), ("file_handle_escape", "open")],
)
def test_what_root_planted_is_bound_into_the_container_and_not_into_a_bare_process(
    probe: str, source: str, tmp_path: Path, payload: Path
) -> None:
    item = inside(asked(probe, tmp_path, privileged=True, payload=payload))[0]
    (bind,) = item.binds
    assert source == bind.source or source in bind.source or probe == "file_handle_escape"
    assert not bind.read_only
    bare = inside(asked(probe, tmp_path, privileged=True, payload=payload, is_control=True))[0]
    assert said(bare) == {}
