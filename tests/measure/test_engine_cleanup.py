"""An engine's container ends with whoever had it started, however that ends."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import eventually

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real

_PAUSE = "int pause(void); int main(void) { for (;;) pause(); }"

_PARENT = """
import sys
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import ourselves
from evaluation.model import Task
from evaluation.runtimes import known_runtimes
docker = known_runtimes()["docker"]
user = ourselves()
tasks = [Task(image=sys.argv[1], argv=("/pause",), name=f"{sys.argv[2]}-{n}") for n in range(2)]
commands = [Command(argv=docker.argv(t), env=user.env, cleanup=docker.cleanup(t)) for t in tasks]
launcher = Launcher(user)
launcher.start(commands[0])
launcher.run(commands[1], timeout_s=600)
"""


def docker(*words: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["docker", *words], input=stdin, capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """An image that holds one static program, which waits."""
    if not shutil.which("docker"):
        pytest.skip("needs docker")
    if subprocess.call(["docker", "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        pytest.skip("needs a docker engine")
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    (tmp_path / "pause.c").write_text(_PAUSE)
    subprocess.run(["cc", "-static", "-o", tmp_path / "pause", tmp_path / "pause.c"], check=True)
    tar = subprocess.run(["tar", "-C", tmp_path, "-c", "pause"], capture_output=True, check=True).stdout
    name = f"made-up/pause:{secrets.token_hex(6)}"
    docker("import", "-", name, stdin=tar)
    yield name
    docker("image", "rm", "--force", name)


def test_when_the_parent_is_killed_its_containers_are_removed(image: str) -> None:
    prefix = f"made-up-{secrets.token_hex(6)}"

    def listed(*more: str) -> list[str]:
        return docker("ps", *more, "--filter", f"name={prefix}", "--format", "{{.Names}}").split()

    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", _PARENT, image, prefix], cwd=ROOT, env=env) as parent:
        started = eventually(lambda: len(listed()) == 2 or parent.poll() is not None)
        parent.kill()
    assert started
    assert parent.returncode == -9
    assert eventually(lambda: listed("--all") == [])
