"""One turn: what a command gets, what is kept of it, what is left of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Launcher
from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.measure.user import measuring_user, ourselves
from evaluation.model import PAYLOAD, WORK, Bind, Task
from evaluation.probes.base import Session
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.testing import FakeRuntime

from bench import probe  # isort: skip

HOST = known_runtimes()["host"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(FakeRuntime):
    """Runs the command bare, and keeps the task that it was given."""

    tasks: list[Task]

    def argv(self, task: Task) -> tuple[str, ...]:
        self.tasks.append(task)
        return task.argv

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        return stderr if exit_status == 125 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping(FakeRuntime):
    """An adapter that says that it limits memory, and passes nothing on."""

    limits_memory: ClassVar[bool] = True

    def argv(self, task: Task) -> tuple[str, ...]:
        return task.argv


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    user = replace(ourselves(), env={"PATH": os.environ["PATH"], "GIVEN": "by the user"})
    with Launcher(user) as launcher, Launcher(ourselves()) as verifier:
        payload = tmp_path / "payload"
        yield Bench(launcher=launcher, verifier=verifier, payload=payload, scratch=tmp_path)


def session(bench: Bench, runtime: FakeRuntime | None = None, *, bare: bool = False) -> TurnSession:
    chosen = runtime or Recording(tasks=[])
    return TurnSession(
        bench=bench,
        arm=Arm(id=chosen.id, runtime=chosen, reference="image", image_digest="digest"),
        probe=replace(probe(lambda _: None), bare=bare),
        block=3,
        order=1,
        work=bench.scratch,
    )


def test_it_is_what_probes_ask_for(bench: Bench) -> None:
    turn: Session = session(bench)
    assert (turn.runtime, turn.is_control, turn.uid) == ("fake", False, os.getuid())
    assert (turn.payload_inside, turn.work_inside) == (PAYLOAD, WORK)
    assert turn.image_path("/usr") == "/usr"


def test_what_a_batch_jobs_script_would_do_stands_before_the_client(bench: Bench) -> None:
    before = ("/bin/sh", "-c", 'umask 077; exec "$@"', "sh")
    done = session(bench).launch(("/bin/sh", "-c", "umask"), before=before)
    assert done.stdout.strip() in {b"0077", b"077"}


def test_a_limit_is_never_asked_of_a_runtime_that_would_ignore_it(bench: Bench) -> None:
    turn = session(bench)
    assert not turn.limits_memory
    with pytest.raises(RuntimeRefusalError, match="a memory limit cannot be asked of it"):
        turn.launch(("/bin/true",), memory_bytes=1024)


@pytest.mark.parametrize(("cpus", "memory_bytes"), [("1", 0), ("", 1024)])
def test_nothing_is_started_without_an_option_that_was_asked_for(
    bench: Bench, cpus: str, memory_bytes: int
) -> None:
    """An adapter that drops an option would have its runtime judged by what it never heard of."""
    turn = session(bench, Dropping())
    with pytest.raises(RuntimeRefusalError, match="its adapter does not pass on what was asked for"):
        turn.launch(("/bin/true",), cpus=cpus, memory_bytes=memory_bytes)
    assert turn.launch(("/bin/true",)).evidence.exit_status == 0


def test_on_the_bare_host_every_path_is_the_hosts(bench: Bench) -> None:
    turn = replace(session(bench), arm=Arm(id="host-again", runtime=HOST, reference="/tree", image_digest=""))
    assert (turn.runtime, turn.is_control) == ("host", True)
    assert (turn.payload_inside, turn.work_inside) == (str(bench.payload), str(bench.scratch))
    assert turn.image_path("/usr") == "/tree/usr"


def test_the_payload_and_the_work_folder_are_bound_unless_the_probe_is_bare(bench: Bench) -> None:
    runtime = Recording(tasks=[])
    extra = Bind(source="/host", target="/inside")
    session(bench, runtime).launch(("/bin/true",), binds=(extra,), env={"A": "B"}, workdir=WORK, stdin=b"x")
    session(bench, runtime, bare=True).launch(("/bin/true",))
    first, second = runtime.tasks
    assert first.binds == (
        Bind(source=str(bench.payload), target=PAYLOAD, read_only=True),
        Bind(source=str(bench.scratch), target=WORK),
        extra,
    )
    assert (first.env, first.workdir, first.stdin) == ((("A", "B"),), WORK, True)
    assert (second.binds, second.env, second.workdir, second.stdin) == ((), (), None, False)


def test_every_container_has_a_name_of_its_own(bench: Bench) -> None:
    runtime = Recording(tasks=[])
    turn = session(bench, runtime)
    for _ in range(50):
        turn.launch(("/bin/true",))
    names = {task.name for task in runtime.tasks}
    assert len(names) == 50
    assert all(name.startswith("container-evaluation-") for name in names)


def test_the_client_gets_the_users_environment_and_what_is_added(bench: Bench) -> None:
    done = session(bench).launch(("/usr/bin/env",), host_env={"ADDED": "for this launch"})
    assert done.stdout.decode().splitlines()[1:] == ["GIVEN=by the user", "ADDED=for this launch"]


def test_every_process_is_evidence_and_every_value_has_some(bench: Bench) -> None:
    turn = session(bench)
    first, second = turn.launch(("/bin/echo", "a")), turn.on_host(("/bin/echo", "b"))
    running = turn.start_on_host(("/bin/echo", "c"))
    third = running.wait()
    turn.record("named", 1.0, "s", evidence=(first,), repetition=2)
    turn.record("unnamed", "word")
    ids = [item.evidence.id for item in (first, second, third)]
    assert [record.id for record, _, _ in turn.evidence()] == ids
    assert [out for _, out, _ in turn.evidence()] == [b"a\n", b"b\n", b"c\n"]
    named, unnamed = turn.witnessed()
    assert (named.evidence, unnamed.evidence) == ((ids[0],), tuple(ids))
    assert (named.probe, named.runtime, named.block, named.order) == ("cold_start", "fake", 3, 1)
    assert (named.repetition, named.image_digest, named.warm_up) == (2, "digest", False)


def test_what_stands_before_the_client_starts_it_in_turn(bench: Bench) -> None:
    before = ("env", "BEFORE=the client")
    done = session(bench).launch(("/bin/sh", "-c", "echo $BEFORE"), before=before)
    assert done.evidence.argv[:2] == before
    assert done.stdout == b"the client\n"


def test_the_verifier_has_hands_of_its_own_and_what_they_do_is_evidence(bench: Bench) -> None:
    turn = session(bench)
    done = turn.by_verifier(("/bin/sh", "-c", "id -u; pwd; exit 125"))
    assert done.stdout.decode().split() == [str(os.getuid()), str(bench.scratch)]
    assert not done.failure, "it is no runtime's failure"
    task = turn.start_by_verifier(("/bin/sleep", "60"))
    task.signal(signal.SIGTERM)
    assert task.wait().evidence.exit_status == -signal.SIGTERM
    assert len(turn.kept) == 2


def test_what_the_verifier_cannot_start_spoils_nothing_that_follows(bench: Bench) -> None:
    turn = session(bench)
    with pytest.raises(EvaluationError, match="cannot start"):
        turn.start_by_verifier(("/nonexistent/program",))
    assert turn.by_verifier(("/bin/true",)).ok


def test_a_warm_up_marks_all_its_values(bench: Bench) -> None:
    turn = replace(session(bench), warm_up=True)
    turn.record("value", 1.0)
    assert turn.observations[0].warm_up


def test_the_runtimes_own_failure_is_told_from_the_programs(bench: Bench) -> None:
    turn = session(bench)
    assert turn.launch(("/bin/sh", "-c", "echo engine >&2; exit 125")).failure == "engine\n"
    assert turn.launch(("/bin/sh", "-c", "echo program >&2; exit 1")).failure == ""
    assert turn.on_host(("sh", "-c", "exit 125")).failure == ""  # no runtime took part
    assert [item.name for item in turn.observations] == ["runtime_failure"]


def test_only_the_runtime_can_hang_a_turn(bench: Bench) -> None:
    turn = session(bench)
    turn.on_host(("sleep", "600"), timeout_s=0.1)
    assert not turn.hung
    turn.launch(("/bin/sleep", "600"), timeout_s=0.1)
    assert turn.hung


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_is_finite(bench: Bench, value: float) -> None:
    with pytest.raises(ValueError, match=r"start is (nan|inf|-inf), which is no value"):
        session(bench).record("start", value)


def test_without_an_image_nothing_of_it_is_used(bench: Bench) -> None:
    turn = replace(session(bench), arm=Arm(id="host", runtime=HOST, reference="", image_digest=""))
    for use in (lambda: turn.image_path("/usr"), lambda: turn.launch(("python3",))):
        with pytest.raises(EvaluationError, match="there is no image here"):
            use()
    assert turn.launch(("/bin/true",)).ok
    assert turn.on_host(("true",)).ok


def test_a_turn_has_a_folder_of_its_own(bench: Bench) -> None:
    with work_directory(bench) as first, work_directory(bench) as second:
        assert first != second
        assert first.stat().st_mode & 0o777 == 0o700
        (first / "file").write_text("x")
    assert not first.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root measures as another user")
def test_the_folder_is_the_measuring_users(tmp_path: Path) -> None:
    with Launcher(measuring_user("nobody")) as launcher:
        bench = Bench(launcher=launcher, verifier=launcher, payload=tmp_path, scratch=tmp_path)
        with work_directory(bench) as work:
            assert (work.stat().st_uid, work.stat().st_gid) == (launcher.user.uid, launcher.user.gid)
            assert (work.stat().st_mode & 0o777) == 0o700
        assert not work.exists()
