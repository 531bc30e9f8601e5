"""Each kind of residue is planted for real, seen and named, and seen to be gone again."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from made_up_run import manifest
from processes import eventually, running, unique_seconds

from evaluation.manifest import KnobFacts
from evaluation.measure import residue
from evaluation.measure.audit import Audit
from evaluation.measure.launcher import Launcher
from evaluation.measure.residue import appeared, look, settled
from evaluation.measure.user import User, ourselves
from evaluation.model import Effect
from evaluation.store import Run, RuntimeFacts

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can plant it")
LIBC = ctypes.CDLL(None, use_errno=True)
ADD_KEY, KEYCTL, USER_KEYRING, UNLINK = 248, 250, -4, 9  # x86-64, keyctl(2)
PRIVATE, REMOVE = 0, 0  # shmget(2), shmctl(2)


Planted = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Us, with a cache of our own."""
    env = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path / "cache")}
    (tmp_path / "cache" / "container-evaluation").mkdir(parents=True)
    return replace(ourselves(), env=env)


@contextmanager
def daemon() -> Iterator[str]:
    marker = unique_seconds()
    subprocess.run(("setsid", "--fork", "sleep", marker), check=True)
    assert eventually(lambda: len(running(marker)) == 1)
    (pid,) = running(marker)
    yield f"process: sleep (process {pid} of uid {os.getuid()}"
    os.kill(pid, 9)


@contextmanager
def mounted() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(("mount", "-t", "tmpfs", "none", place), check=True)
        yield f"mount: tmpfs on {place}"
        subprocess.run(("umount", place), check=True)


@contextmanager
def control_group(name: str = f"{residue.CONTAINER_PREFIX}planted-{{}}") -> Iterator[str]:
    name = name.format(unique_seconds())
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if " cgroup" in line]
    path = Path(places[0], name)
    path.mkdir()
    yield f"control group: /{name}"
    path.rmdir()


@contextmanager
def key() -> Iterator[str]:
    name = f"planted-{unique_seconds()}"
    serial = LIBC.syscall(ADD_KEY, b"user", name.encode(), b"secret", 6, USER_KEYRING)
    if serial < 0:
        pytest.skip(f"no keys here: {os.strerror(ctypes.get_errno())}")
    yield f"key: user {name}"
    assert LIBC.syscall(KEYCTL, UNLINK, serial, USER_KEYRING) == 0


@contextmanager
def shared_memory() -> Iterator[str]:
    number = LIBC.shmget(PRIVATE, 4096, 0o600)
    assert number >= 0
    yield f"shared memory: SysV shm {number} of uid {os.getuid()}"
    assert LIBC.shmctl(number, REMOVE, None) == 0


@contextmanager
def temporary_file() -> Iterator[str]:
    with tempfile.NamedTemporaryFile(prefix="evaluation-canary-") as planted:
        yield f"file: {planted.name} of "


PLANTED = [
    daemon,
    pytest.param(mounted, marks=AS_ROOT),
    pytest.param(control_group, marks=AS_ROOT),
    *(
        pytest.param(partial(control_group, name), marks=AS_ROOT)
        for name in ("docker-{}.scope", "podman-{}.scope", "libpod-{}.scope", "crun-{}.scope")
    ),
    key,
    shared_memory,
    temporary_file,
]


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_left_is_named(user: User, planted: Planted) -> None:
    before = look(user)

    def told(name: str) -> bool:
        return any(what.startswith(name) for what in appeared(before, look(user)))

    with planted() as name:
        assert told(name), appeared(before, look(user))
    assert eventually(lambda: not told(name))


@pytest.mark.parametrize("name", ["conmon", "pasta.avx2", "aardvark-dns", "rootlessport-child"])
def test_an_engines_helper_is_named_whosever_it_is(tmp_path: Path, name: str) -> None:
    program = shutil.copy(shutil.which("sleep") or "", tmp_path / name)
    somebody_else = residue.Owners(user=54_321)
    with subprocess.Popen((str(program), unique_seconds())) as process:
        try:
            assert eventually(lambda: Path(f"/proc/{process.pid}/comm").read_text() == f"{name[:15]}\n")
            told = residue._processes(somebody_else)
        finally:
            process.kill()
    assert any(what.startswith(f"{name[:15]} (process {process.pid} ") for what in told), told


def test_the_evaluation_itself_is_no_residue_after_a_log_out(tmp_path: Path) -> None:
    """Then process 1 has adopted it, as it adopts daemons."""
    script = (
        "import os, subprocess, sys, time\n"
        "from evaluation.measure import residue\n"
        "while os.getppid() == int(sys.argv[2]): time.sleep(0.01)\n"
        "child = subprocess.Popen(('sleep', '60'))\n"
        "told = residue._processes(residue.Owners(user=os.getuid()))\n"
        "child.kill()\n"
        "open(sys.argv[1] + '.new', 'w').write('\\n'.join([str(os.getpid()), str(child.pid), *told]))\n"
        "os.rename(sys.argv[1] + '.new', sys.argv[1])\n"
    )
    with daemon() as left:
        leaver = ("sh", "-c", 'setsid "$@" $$ &', "sh", sys.executable, "-c", script, str(tmp_path / "told"))
        subprocess.run(leaver, check=True, cwd=Path(__file__).parents[2])
        assert eventually((tmp_path / "told").exists)
        own, child, *told = (tmp_path / "told").read_text().splitlines()
    assert not [what for what in told if f"(process {own} " in what or f"(process {child} " in what]
    assert any(what.startswith(left.removeprefix("process: ")) for what in told)


@AS_ROOT
def test_a_foreign_owned_file_is_named(user: User, tmp_path: Path) -> None:
    before = look(user, (), (tmp_path,))
    (tmp_path / "foreign").touch()
    os.chown(tmp_path / "foreign", 12_345, 12_345)
    found = appeared(before, look(user, (), (tmp_path,)))
    assert f"foreign-owned file: file {tmp_path}/foreign of uid 12345" in found


def test_a_container_is_named_by_its_engine(user: User) -> None:
    names = f"{residue.CONTAINER_PREFIX}1234 somebody-elses"
    found = appeared(look(user), look(user, (("echo", names), ("false",))))
    assert f"container: {residue.CONTAINER_PREFIX}1234 of echo" in found
    assert not [what for what in found if "somebody" in what]


def test_the_scope_of_our_own_question_is_not_left_by_anybody(
    user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As ``podman ps`` makes one with systemd's manager."""
    scope = tmp_path / "podman-7.scope"
    monkeypatch.setattr(residue, "_control_groups", lambda: iter([scope.name] if scope.exists() else []))
    assert look(user, [("touch", str(scope))])["control group"] == frozenset()
    assert look(user)["control group"] == {scope.name}


def test_a_loop_device_is_named(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A made-up /sys: a machine without loop devices cannot plant one.
    (tmp_path / "loop7" / "loop").mkdir(parents=True)
    (tmp_path / "loop7" / "loop" / "backing_file").write_text("/home/user/image.sif\n")
    (tmp_path / "loop8").mkdir()
    before = look(user)
    monkeypatch.setattr(residue, "_BLOCK_DEVICES", tmp_path)
    assert "loop device: loop7 of /home/user/image.sif" in appeared(before, look(user))


def test_what_was_there_before_is_nobodys_residue() -> None:
    seen = {"mount": frozenset({"tmpfs on /tmp"})}
    assert appeared(seen, seen) == ()
    assert settled(seen, lambda: seen, 0.0) == ()


def test_what_ends_by_itself_is_waited_for() -> None:
    none: frozenset[str] = frozenset()
    looks = iter(({"mount": frozenset({"squashfuse on /tmp/x"})}, {"mount": none}))
    assert settled({}, lambda: next(looks), 60.0) == ()


def test_an_audit_is_kept_with_the_run_and_read_again(user: User, tmp_path: Path) -> None:
    run = Run.create(tmp_path / "results", manifest())
    assert run.residue() is None
    name = ""
    with daemon() as planted, Launcher(user) as launcher:
        with Audit(user) as audit:
            audit.begin(launcher)
            audit.follow(run, launcher)
        assert not [what for what in run.residue() or () if what.startswith(planted)]  # it was there before
    with Audit(user) as audit, Launcher(user) as launcher:
        audit.begin(launcher)
        audit.follow(run, launcher)
        held = shared_memory()
        name = held.__enter__()
    assert name in (run.residue() or ())
    held.__exit__(None, None, None)
    run.finish("2026-01-01T00:00:00.000+00:00")
    run.verify()
    with Audit(user) as audit, Launcher(user) as launcher:
        audit.begin(launcher)
        audit.follow(run, launcher)
    run.verify()  # nothing is added to what is complete


def test_an_arm_with_one_flag_more_asks_the_engine_of_its_runtime_once(user: User, tmp_path: Path) -> None:
    command = tmp_path / "docker"
    command.write_text(f"#!/bin/sh\n# A fake for a unit test.\necho asked >> {tmp_path}/asked\n")
    command.chmod(0o755)
    docker = RuntimeFacts(id="docker", family="docker", mode="fake", present=True, command=str(command))
    knob = KnobFacts(of="docker", options=("--weak",), effect=Effect.WEAKENS, expected="Made up.")
    arm = docker.model_copy(update={"id": "docker+weak", "options": ("--weak",), "knob": knob})
    run = Run.create(tmp_path / "results", manifest().model_copy(update={"runtimes": (docker, arm)}))
    with Audit(user) as audit, Launcher(user) as launcher:
        audit.begin(launcher)
        audit.follow(run, launcher)
        assert (tmp_path / "asked").read_text() == "asked\n"
