"""The set-up mends what a killed machine leaves behind, and ends what it started, and only that."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
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


def podman(*words: str, stdin: bytes = b"", answer: bool = False) -> str:
    """Give what podman, run as the measuring user, says on both its outputs.

    Of an ``answer`` it is what it says on standard output alone: a warning may stand on the other.
    """
    user = measuring_user()
    done = subprocess.run(
        ["podman", *words], user=user.uid, group=user.gid, extra_groups=user.groups, env=dict(user.env),
        cwd=user.home, input=stdin, stdout=subprocess.PIPE, check=False, timeout=60,
        stderr=subprocess.DEVNULL if answer else subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout.decode()


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


def kill_namespace() -> None:
    number = Path(f"/run/user/{measuring_user().uid}/libpod/tmp/pause.pid")
    if number.exists():
        os.kill(int(number.read_text()), signal.SIGKILL)
        number.unlink()


@pytest.fixture
def container(tmp_path: Path) -> Iterator[str]:
    """A container that waits, named as an evaluation names them."""
    (tmp_path / "wait.c").write_text(_WAIT)
    subprocess.run(["cc", "-static", "-o", tmp_path / "wait", tmp_path / "wait.c"], check=True)
    tar = subprocess.run(["tar", "-C", tmp_path, "-c", "wait"], capture_output=True, check=True).stdout
    name = f"container-evaluation-{secrets.token_hex(6)}"
    image = f"localhost/made-up/wait:{secrets.token_hex(6)}"
    podman("import", "-", image, stdin=tar)
    said = podman("run", "--detach", "--name", name, image, "/wait")
    yield name
    podman("system", "migrate")
    podman("rm", "--force", "--ignore", "--time", "0", name)
    assert image.rpartition(":")[2] in podman("image", "rm", "--force", image), said
    kill_namespace()


def test_the_set_up_tries_with_the_environment_that_is_measured_with() -> None:
    script = f". {SETUP} help >/dev/null; as_user env"
    told = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout
    assert dict(line.split("=", 1) for line in told.splitlines()) == dict(measuring_user().env)


def test_a_podman_whose_processes_were_all_killed_is_usable_again(container: str) -> None:
    processes = podman("inspect", "--format", "{{.State.ConmonPid}} {{.State.Pid}}", container, answer=True)
    for number in processes.split():
        os.kill(int(number), signal.SIGKILL)
    kill_namespace()
    assert "podman system migrate" in podman("ps"), "the trouble to mend was not made"
    said = setup("start")
    try:
        assert "mended with 'podman system migrate'" in said
        assert podman("ps", "--all", "--quiet", "--filter", f"name={container}", answer=True) == ""
    finally:
        stop(said)


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
