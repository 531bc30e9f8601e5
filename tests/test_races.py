"""Everything of ours that root does in the measuring user's folder, against a process of that user's.

The user's process puts links in the place of what root works with. Nothing outside the folder is touched,
whether root then succeeds or gives up.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from rival import AS_ROOT, NOBODY, PRECIOUS, Race

from evaluation.errors import EvaluationError
from evaluation.images.build import noted_image, opened_of
from evaluation.images.convert import kept_form
from evaluation.measure.conformance import files
from evaluation.measure.conformance.trial import Check, DeviationError, Trial
from evaluation.measure.launcher import Launcher
from evaluation.measure.session import Arm, Bench
from evaluation.measure.user import measuring_user
from evaluation.model import FAKE, Completed
from evaluation.payload.build import HELPER
from evaluation.probes.batchsystem import Slurm
from evaluation.probes.jobs import Job
from evaluation.probes.performance.compile_on_bind import write_project
from evaluation.probes.registry import find
from evaluation.probes.security import setuid_planting, sibling_environment_exposure
from evaluation.testing import FakeRuntime, FakeSession, answered, ended

pytestmark = AS_ROOT


def session_in(work: Path, probe: str = "compile_on_bind") -> FakeSession:
    return FakeSession(
        probe=find(probe), work=work, on_launch=lambda _: ended(), privileged=True, uid=NOBODY, gid=NOBODY
    )


@pytest.fixture
def launcher_of_nobody() -> Iterator[Launcher]:
    with Launcher(measuring_user("nobody")) as launcher:
        yield launcher


def test_a_project_to_be_compiled(race: Race) -> None:
    session = session_in(race.work)

    def attempt() -> None:
        (race.work / "out").mkdir(exist_ok=True)
        with suppress(OSError):
            write_project(session)

    with race.against("project"):
        race.repeat(attempt)


def test_the_mark_that_lets_a_payload_go(race: Race) -> None:
    # The name is known to the user: it stands in the payload's command line.
    def plant(argv: tuple[str, ...]) -> Completed:
        if "hold" in argv:
            mark = race.work / Path(argv[3]).name
            mark.with_name(f"{mark.name}.ready").touch()
            mark.with_name(f"{mark.name}.go").symlink_to(race.victim / "made")
        return answered({"what": "hold", "ok": True})

    session = session_in(race.work, "container_memory")
    session.on_launch = plant
    with suppress(OSError):
        session.probe.observe(session)
    assert race.lost() == ""


def test_the_meeting_of_two_siblings(race: Race) -> None:
    (race.victim / f"{sibling_environment_exposure.CANARY}.stop").touch()

    def attempt() -> None:
        with suppress(OSError):
            session = session_in(race.work, "sibling_environment_exposure")
            session.on_launch = lambda _: answered({"what": "linger", "ok": True})
            session.probe.observe(session)
        race.clear()

    with (
        pytest.MonkeyPatch.context() as patched,
        race.against(sibling_environment_exposure.MEETING),
    ):
        patched.setattr(sibling_environment_exposure, "READY_S", 0.0)
        for _ in range(150):
            attempt()
    assert {path.name for path in race.victim.iterdir()} == {PRECIOUS, "sibling.stop"}
    assert stat.S_IMODE(race.victim.stat().st_mode) == 0o700


def test_what_a_job_said(race: Race) -> None:
    session = session_in(race.work)
    job = Job(
        session=session, system=Slurm(), launch=session.described(()), name="job", token="", number="1"
    )  # fmt: skip
    told = race.work / "job.err"

    def attempt() -> None:
        with suppress(OSError):
            told.unlink(missing_ok=True)
            descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            os.write(descriptor, b"theirs")
            os.fchown(descriptor, NOBODY, NOBODY)
            os.close(descriptor)
        assert "mine" not in job.refused
        assert "mine" not in job._text("err")

    with Race(work=race.work, victim=race.victim / PRECIOUS).against("job.err"):
        for _ in range(300):
            attempt()
    told.unlink(missing_ok=True)
    os.mkfifo(told)  # nobody writes to it: whoever opens it waits for ever
    assert job._text("err") == ""


def test_a_setuid_program_that_was_left(race: Race, tmp_path: Path) -> None:
    (tmp_path / HELPER).write_bytes(b"program")

    def attempt() -> None:
        session = session_in(race.work, "setuid_planting")
        session.on_launch = lambda _: answered({"what": "plant", "ok": True})
        session.payload = tmp_path
        with suppress(OSError):
            os.close(os.open(race.work / setuid_planting.PLANTED, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            session.probe.observe(session)

    with Race(work=race.work, victim=race.victim / "made").against(setuid_planting.PLANTED):
        race.repeat(attempt, times=50)


@pytest.mark.parametrize(
    ("check", "name"),
    [(files.bind_names, "plain"), (files.bind_read_only, "planted")],
    ids=["folder", "file"],
)
def test_what_conformance_plants(race: Race, check: Check, name: str, launcher_of_nobody: Launcher) -> None:
    nobody = launcher_of_nobody
    bench = Bench(launcher=nobody, verifier=nobody, payload=race.work, scratch=race.work)
    runtime = FakeRuntime(commands=("/bin/true",))
    arm = Arm(id=FAKE, runtime=runtime, reference=FAKE, image_digest="")

    def attempt() -> None:
        with suppress(OSError, DeviationError, ValueError):
            check.ask(Trial(bench=bench, arm=arm, work=race.work))
        race.clear()

    victim = race.victim if check is files.bind_names else race.victim / PRECIOUS
    with Race(work=race.work, victim=victim).against(name):
        for _ in range(300):
            attempt()
    assert race.lost() == ""


@pytest.mark.parametrize("name", ["built.json", "image.tar"])
def test_what_the_user_keeps_of_an_image(race: Race, name: str) -> None:
    kept = race.work / name

    def attempt() -> None:
        with suppress(OSError):
            kept.unlink(missing_ok=True)
            kept.write_text("theirs")
            os.chown(kept, NOBODY, NOBODY, follow_symlinks=False)
        with suppress(EvaluationError, OSError), opened_of(kept) as stream:
            assert b"mine" not in stream.read()
        with suppress(EvaluationError):  # the rival can hold on to the file from before it is given away
            assert noted_image(race.work) is None
        with suppress(EvaluationError):
            assert kept_form(kept) is None

    with Race(work=race.work, victim=race.victim / PRECIOUS).against(name):
        for _ in range(300):
            attempt()
    kept.unlink(missing_ok=True)
    os.mkfifo(kept)  # nobody writes to it: whoever opens it waits for ever
    assert noted_image(race.work) is None
    assert kept_form(kept) is None
    with pytest.raises(EvaluationError):
        opened_of(kept)
