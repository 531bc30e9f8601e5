"""The set-up mends what a killed machine leaves behind, and ends what it started, and only that."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluation.measure.user import MARKER, measuring_user

SETUP = Path(__file__).parents[1] / "setup" / "runtimes"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        os.getuid() != 0 or not MARKER.with_name("embedded-set").exists() or not shutil.which("podman"),
        reason="needs root, and podman as this project's set-up installs it",
    ),
]
ROOTLESS_STARTED = "rootless dockerd: started"

_WAIT = "int pause(void); int main(void) { for (;;) pause(); }"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A mount namespace in which the measuring user's Podman has a store and processes of its own.

    A namespace's processes are ended here, and `podman system migrate` stops every container: neither may
    meet what the user really runs.
    """

    holder: int
    others: frozenset[int]
    """What the user's real Podman was running before."""

    def _inside(self, *argv: str, stdin: bytes = b"", answer: bool = False) -> str:
        done = subprocess.run(
            ["nsenter", f"--target={self.holder}", "--mount", "--", *argv],
            input=stdin, stdout=subprocess.PIPE, check=False, timeout=120,
            stderr=subprocess.DEVNULL if answer else subprocess.STDOUT,
        )  # fmt: skip
        return done.stdout.decode()

    def podman(self, *words: str, stdin: bytes = b"", answer: bool = False) -> str:
        """Give what podman, run as the measuring user, says on both its outputs.

        Of an ``answer`` it is what it says on standard output alone: a warning may stand on the other.
        """
        user = measuring_user()
        who = ("setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--init-groups")
        env = ("env", "-i", "-C", user.home, *(f"{key}={value}" for key, value in user.env.items()))
        return self._inside(*who, *env, "podman", *words, stdin=stdin, answer=answer)

    def mend(self) -> str:
        """Let the set-up mend Podman, and do nothing else."""
        return self._inside("bash", "-c", f". {SETUP} help >/dev/null; mend_podman")

    def kill_namespace(self) -> None:
        """Kill the process with which Podman keeps the namespace of this world."""
        number = Path(f"/proc/{self.holder}/root/run/user/{measuring_user().uid}/libpod/tmp/pause.pid")
        if number.exists():
            os.kill(int(number.read_text()), signal.SIGKILL)
            number.unlink()


@pytest.fixture
def world() -> Iterator[World]:
    user = measuring_user()
    places = (f"/run/user/{user.uid}", f"{user.home}/.local/share/containers")
    options = f"mode=0700,uid={user.uid},gid={user.gid}"
    mounts = " && ".join(f"mkdir -p {place} && mount -t tmpfs -o {options} tmpfs {place}" for place in places)
    # The holder is cat: it ends with the pipe that it reads.
    script = f"{mounts} && echo ready && exec cat"
    with subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"ready\n"
        found = World(holder=holder.pid, others=podman_processes())
        yield found
        found.kill_namespace()


def setup(*words: str) -> str:
    return subprocess.run([SETUP, *words], capture_output=True, text=True, check=True).stdout


def stop(said: str) -> None:
    """End what ``start``, which said this, has started."""
    if said.splitlines()[-1] == "dockerd: started":
        setup("stop")
    elif ROOTLESS_STARTED in said.splitlines():
        setup("stop", "rootless")


def processes_of_the_rootless_engine() -> set[str]:
    """Names of those of the measuring user's processes that have not ended."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if lines["Uid"].split()[0] == str(measuring_user().uid) and not lines["State"].startswith("Z"):
            found.add(lines["Name"])
    return found & {"dockerd", "containerd", "rootlesskit", "slirp4netns", "exe"}


def podman_processes() -> frozenset[int]:
    """The measuring user's Podman: what keeps its namespace, and what stands beside its containers."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() in {"podman", "podman pause", "conmon", "catatonit"}:
                found.add(int(path.parent.name))
        except OSError:
            continue
    return frozenset(found)


@pytest.fixture
def container(tmp_path: Path, world: World) -> Iterator[str]:
    """A container that waits, named as an evaluation names them."""
    (tmp_path / "wait.c").write_text(_WAIT)
    subprocess.run(["cc", "-static", "-o", tmp_path / "wait", tmp_path / "wait.c"], check=True)
    tar = subprocess.run(["tar", "-C", tmp_path, "-c", "wait"], capture_output=True, check=True).stdout
    name = f"container-evaluation-{secrets.token_hex(6)}"
    image = f"localhost/made-up/wait:{secrets.token_hex(6)}"
    world.podman("import", "-", image, stdin=tar)
    said = world.podman("run", "--detach", "--name", name, image, "/wait")
    yield name
    world.podman("system", "migrate")
    world.podman("rm", "--force", "--ignore", "--time", "0", name)
    assert image.rpartition(":")[2] in world.podman("image", "rm", "--force", image), said


def test_the_set_up_tries_with_the_environment_that_is_measured_with() -> None:
    script = f". {SETUP} help >/dev/null; as_user env"
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    assert dict(line.split("=", 1) for line in told.splitlines()) == dict(measuring_user().env)


MADE_BUS = """
set -e
mount -t tmpfs none /run/user
mkdir "$2"
"$1" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$2/bus"
python=$1
. "$3" help >/dev/null
as_user env | sort
echo
"$python" -c '
from evaluation.measure.user import measuring_user
for each in measuring_user().env.items():
    print(*each, sep="=")
' | sort
"""


def test_the_bus_of_a_login_is_in_both_where_there_is_one() -> None:
    run = f"/run/user/{measuring_user().uid}"
    words = ("unshare", "-m", "bash", "-c", MADE_BUS, "bash", sys.executable, run, SETUP)
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    in_set_up, _, measured = done.stdout.partition("\n\n")
    assert f"DBUS_SESSION_BUS_ADDRESS=unix:path={run}/bus" in in_set_up
    assert in_set_up == measured.rstrip()


def test_a_podman_whose_processes_were_all_killed_is_usable_again(container: str, world: World) -> None:
    told = world.podman("inspect", "--format", "{{.State.ConmonPid}} {{.State.Pid}}", container, answer=True)
    for number in told.split():
        os.kill(int(number), signal.SIGKILL)
    world.kill_namespace()
    assert "podman system migrate" in world.podman("ps"), "the trouble to mend was not made"
    assert "mended with 'podman system migrate'" in world.mend()
    listed = world.podman("ps", "--all", "--quiet", "--filter", f"name={container}", answer=True)
    assert listed == ""
    assert podman_processes() >= world.others, "what the user really runs was ended"


def test_the_rootless_engine_is_ended_with_all_its_processes_and_the_other_one_stays() -> None:
    said = setup("start")
    try:
        if ROOTLESS_STARTED not in said.splitlines():
            pytest.skip("there is no rootless engine, or it was running before")
        assert {"dockerd", "rootlesskit"} <= processes_of_the_rootless_engine()
        assert "rootless dockerd: already running" in setup("start").splitlines()
        setup("stop", "rootless")
        assert processes_of_the_rootless_engine() == set()
        assert "rootless dockerd: none that was started from here" in setup("stop", "rootless")
        assert "docker: engine" in setup("status")
    finally:
        stop(said)
