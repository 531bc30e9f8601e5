"""Every check is seen to hold and seen to fail, on a fake client with one flaw at a time."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fake_client import IMAGE, place_payload

from evaluation.measure.conformance import CHECKS, Result, conform, examine
from evaluation.measure.launcher import Launcher
from evaluation.measure.session import Arm, Bench
from evaluation.measure.user import measuring_user
from evaluation.model import Bind, Outcome, Task
from evaluation.runtimes.base import Argv
from evaluation.testing import FakeRuntime

CHECK = {check.id: check for check in CHECKS}
DIGEST = "made up"
PYTHON = "python3"
"""As the measuring user finds it: ours may be in a home that is closed to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedRuntime(FakeRuntime):
    """The adapter of the fake client. ``engine_options`` holds the client's file, its state and flaws."""

    commands: Argv = (PYTHON,)
    forgets: bool = False
    """Whether its clean-up does nothing."""
    suspects: bool = False
    """Whether it takes a program's 127 for a failure of its own."""
    refuses: bool = False
    """Whether it refuses every variable and every bind."""

    def argv(self, task: Task) -> Argv:
        if self.refuses and (task.env or task.binds):
            raise self.refuse("no")
        return (
            *self._client, "run", f"--name={task.name}",
            *(f"--bind={json.dumps((bind.source, bind.target, bind.read_only))}" for bind in task.binds),
            *(f"--env={key}={value}" for key, value in task.env),
            *((f"--workdir={task.workdir}",) if task.workdir else ()),
            task.image, "--", *task.argv,
        )  # fmt: skip

    @property
    def _client(self) -> Argv:
        return (self.command, "-S", *self.engine_options)

    @property
    def state(self) -> str:
        return self.engine_options[1]

    def sees(self, bind: Bind) -> str:
        return f"{self.state}/root{bind.target}"

    def cleanup(self, task: Task) -> tuple[Argv, ...]:
        return () if self.forgets else ((*self._client, "remove", task.name),)

    def listing(self) -> Argv:
        return (*self._client, "list")

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        if self.suspects and exit_status == 127:
            return "not found"
        return stderr.strip() if exit_status == 125 and stderr.startswith("fake:") else None


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A launcher of an ordinary user's: root may write what is read-only."""
    scratch = Path(tempfile.mkdtemp(prefix="evaluation-tests-"))
    scratch.chmod(0o755)
    shutil.copy(Path(__file__).with_name("fake_client.py"), scratch)
    try:
        with Launcher(measuring_user("nobody" if os.getuid() == 0 else "")) as launcher:
            if not launcher.find(PYTHON):
                pytest.skip(f"{launcher.user.name} finds no {PYTHON}")
            yield Bench(
                launcher=launcher,
                verifier=launcher,
                payload=place_payload(scratch / "payload"),
                scratch=scratch,
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def fake(bench: Bench) -> Iterator[PlayedRuntime]:
    state = Path(tempfile.mkdtemp(dir=bench.scratch))
    for folder in (state, state / "root", state / "held", state / "asked"):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
    yield PlayedRuntime(engine_options=(str(bench.scratch / "fake_client.py"), str(state)))
    shutil.rmtree(state, ignore_errors=True)


def asked(check: str, runtime: PlayedRuntime, bench: Bench, *flaws: str) -> Result:
    flawed = runtime.using(engine_options=tuple(f"--flaw={flaw}" for flaw in flaws))
    return examine(
        CHECK[check], bench, Arm(id=flawed.id, runtime=flawed, reference=IMAGE, image_digest=DIGEST)
    )


def test_a_faithful_client_conforms(fake: PlayedRuntime, bench: Bench) -> None:
    results = list(conform(bench, Arm(id=fake.id, runtime=fake, reference=IMAGE, image_digest=DIGEST)))
    assert [result.check for result in results] == [check.id for check in CHECKS]
    assert {result.check: result.message for result in results if result.outcome is not Outcome.HOLDS} == {}
    assert all(result.conforms and result.message for result in results)


FLAWS = [
    ("exit_status", "one-status", "42 ended with exit status 1"),
    ("death_by_signal", "lose-signal", "SIGSEGV ended with exit status 1"),
    ("streams_apart", "merge-streams", "stdout was b'outerr'"),
    ("binary_output", "text-only", "stdout was altered"),
    ("standard_input", "close-stdin", "0 came back"),
    ("arguments", "drop-empty-words", "the argument '' became"),
    ("environment_in", "strip-env", "became"),
    ("environment_out", "no-path", "no PATH"),
    ("large_output", "cut-output", "of 8388608 bytes 1048576 came"),
    ("bind_read_only", "writable", "was written"),
    ("bind_read_only", "scratch-layer", "let believe"),
    ("bind_read_write", "copy-binds", "not on the host"),
    ("bind_names", "strip-names", "nothing to bind"),
    ("bind_source_missing", "make-sources", "was made on the host"),
    ("bind_source_missing", "skip-sources", "without its bind"),
    ("bind_source_missing", "quiet", "not recognised"),
    ("working_directory", "ignore-workdir", "exit status 1: PermissionError"),
    ("working_directory_missing", "fall-back", "ran in / instead, and nothing was said"),
    ("output_owner", "copy-binds", "not on the host"),
    ("image_content", "other-image", "digest another one, the control's is made up"),
    ("image_missing", "any-image", "should not have run"),
    ("image_missing", "quiet", "not recognised"),
    ("image_hostile", "image-option", "read as an option"),
    ("image_hostile", "image-shell", "run by a shell"),
    ("command_missing", "quiet", "not recognised"),
]


@pytest.mark.parametrize(("check", "flaw", "message"), FLAWS, ids=lambda word: word.replace(" ", "_"))
def test_a_flaw_is_seen(check: str, flaw: str, message: str, fake: PlayedRuntime, bench: Bench) -> None:
    result = asked(check, fake, bench, flaw)
    assert result.outcome is Outcome.FAILS
    assert message in result.message
    assert not result.conforms


class SilentRuntime(PlayedRuntime):
    """Its adapter says that it does not tell of signals."""

    tells_signals = False


def test_a_lost_signal_is_by_design_where_the_adapter_says_so_and_the_status_is_no_success(
    fake: PlayedRuntime, bench: Bench
) -> None:
    silent = SilentRuntime(engine_options=fake.engine_options)
    assert asked("death_by_signal", silent, bench).outcome is Outcome.HOLDS
    told = asked("death_by_signal", silent, bench, "lose-signal")
    assert (told.outcome, told.message) == (
        Outcome.UNSUPPORTED,
        "a program that died of SIGSEGV ended with exit status 1",
    )


@pytest.mark.parametrize("check", ["time_limit", "client_killed"])
def test_what_an_engine_goes_on_running_is_seen(check: str, fake: PlayedRuntime, bench: Bench) -> None:
    with served(fake):
        assert asked(check, fake, bench, "engine").outcome is Outcome.HOLDS
        forgetful = asked(check, replace(fake, forgets=True), bench, "engine")
    assert forgetful.outcome is Outcome.FAILS
    assert forgetful.message == "the program still runs"


@pytest.mark.parametrize("check", ["time_limit"])
def test_a_container_that_is_still_held_is_seen(check: str, fake: PlayedRuntime, bench: Bench) -> None:
    result = asked(check, replace(fake, forgets=True), bench)
    assert result.message == "the engine still holds the container"


def test_every_check_has_been_seen_to_fail() -> None:
    assert {check for check, _, _ in FLAWS} | {"time_limit", "client_killed"} == set(CHECK)


def test_what_is_recorded_tells_the_difference(fake: PlayedRuntime, bench: Bench) -> None:
    assert asked("environment_out", fake, bench).message == "the host's variables are seen inside"
    assert asked("environment_out", fake, bench, "clean-env").message == "they are not seen inside"
    assert asked("working_directory_missing", fake, bench).message.startswith("fake: there is no directory")
    aloud = asked("working_directory_missing", fake, bench, "fall-back-aloud")
    assert aloud.message == "the program runs in / instead, with a warning"
    assert asked("output_owner", fake, bench).message == "the user inside, the user outside"


def test_a_programs_status_taken_for_the_runtimes_own_is_seen(fake: PlayedRuntime, bench: Bench) -> None:
    result = asked("exit_status", replace(fake, suspects=True), bench)
    assert "exit status 127 is taken for: not found" in result.message


@pytest.mark.parametrize("check", ["environment_in", "bind_names", "bind_read_write"])
def test_an_adapter_that_refuses_everything_is_seen(check: str, fake: PlayedRuntime, bench: Bench) -> None:
    assert asked(check, replace(fake, refuses=True), bench).outcome is Outcome.FAILS


def test_a_broken_check_is_an_error_and_no_failure(fake: PlayedRuntime, bench: Bench) -> None:
    broken = replace(fake, commands=("/does/not/exist",))
    assert asked("time_limit", broken, bench).outcome is Outcome.ERROR
    assert asked("exit_status", broken, bench).outcome is Outcome.FAILS


@contextlib.contextmanager
def served(fake: PlayedRuntime) -> Iterator[None]:
    """The fake's engine: started by the test, so that the launcher knows nothing of it."""
    server = subprocess.Popen((sys.executable, "-S", *fake.engine_options, "serve"))
    try:
        yield
    finally:
        (Path(fake.state) / "stop").touch()
        server.wait(30.0)
