"""The set-up mends what a killed machine leaves behind."""

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

_WAIT = "int pause(void); int main(void) { for (;;) pause(); }"


def podman(*words: str, stdin: bytes = b"") -> str:
    """Give what podman, run as the measuring user, says on both its outputs."""
    user = measuring_user()
    done = subprocess.run(
        ["podman", *words], user=user.uid, group=user.gid, extra_groups=user.groups, env=dict(user.env),
        cwd=user.home, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout.decode()


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


def test_a_podman_whose_processes_were_all_killed_is_usable_again(container: str) -> None:
    processes = podman("inspect", "--format", "{{.State.ConmonPid}} {{.State.Pid}}", container)
    for number in processes.split():
        os.kill(int(number), signal.SIGKILL)
    kill_namespace()
    assert "podman system migrate" in podman("ps"), "the trouble to mend was not made"
    said = subprocess.run([SETUP, "start"], capture_output=True, text=True, check=True).stdout
    try:
        assert "mended with 'podman system migrate'" in said
        assert podman("ps", "--all", "--quiet", "--filter", f"name={container}") == ""
    finally:
        if said.splitlines()[-1] == "dockerd: started":
            subprocess.run([SETUP, "stop"], capture_output=True, check=True)
