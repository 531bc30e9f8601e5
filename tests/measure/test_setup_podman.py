"""The set-up looks at the very podman store that is measured, and one that copies images is begun anew.

Here podman is a fake with the one habit that matters: a store keeps the driver with which it was begun. The
real one is in the world `fresh12`, see ``tests/worlds``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from bench import fake_executable

SETUP = Path(__file__).parents[2] / "setup" / "runtimes"
FAKE = r"""
echo "$*" >>"$HOME/asked"
conf=$HOME/.config/containers/storage.conf
store=$HOME/.local/share/containers/storage
if [ "$1" = --root ]; then store=$2; shift 4; fi
mkdir -p "$store/libpod"
db=$store/libpod/bolt_state.db
if [ ! -e "$db" ]; then
	if grep -qs overlay "$conf"; then echo overlay >"$db"; else echo vfs >"$db"; fi
fi
case "$*" in
"info -f storage driver"*) echo "storage driver $(cat "$db")" ;;
info*) cat "$db" ;;
"system reset --force") rm -rf "$store" ;;
images*) cat "$HOME/images" 2>/dev/null ;;
"network ls"*) echo "network podman"; cat "$HOME/networks" 2>/dev/null ;;
esac
exit 0
"""
# The set-up's own functions, as the user who runs the tests and with what it keeps in a folder of the test.
FUNCTIONS = f"""
. {SETUP} help >/dev/null
set -euo pipefail
as_user() {{ (cd "$HOME" && "$@"); }}
measuring_user() {{ id -un; }}
logs=$HOME log=$HOME/log
"""
Shell = Callable[[str], str]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    fake_executable(tmp_path / "bin" / "podman", FAKE)
    env = {"HOME": str(tmp_path), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    def run(commands: str) -> str:
        done = subprocess.run(
            ["bash", "-c", FUNCTIONS + commands], env=env, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def asked(home: Path) -> list[str]:
    file = home / "asked"
    return file.read_text().splitlines() if file.exists() else []


def driver(home: Path) -> str:
    return (home / ".local/share/containers/storage/libpod/bolt_state.db").read_text().strip()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_podman_that_was_never_used_is_asked_nothing_before_it_is_configured(
    shell: Shell, tmp_path: Path
) -> None:
    shell("mend_podman; settle_podman_store")
    assert asked(tmp_path) == []


def test_podman_is_configured_first_and_the_last_word_is_of_the_users_own_store(
    shell: Shell, tmp_path: Path
) -> None:
    said = shell('mkdir "$HOME/t"; : >"$HOME/t/root.tar"; mend_podman; configure_podman "$HOME/t"')
    assert driver(tmp_path) == "overlay"
    assert "podman runs rootless, storage driver overlay; written for it: storage.conf" in said
    without_a_root = [line for line in asked(tmp_path) if not line.startswith("--root")]
    assert "run --rm container-evaluation-try:1 /bin/try" in without_a_root


@pytest.fixture
def begun_with_vfs(tmp_path: Path, shell: Shell) -> None:
    shell("podman info")
    assert driver(tmp_path) == "vfs"
    write(tmp_path / ".config/containers/storage.conf", '[storage]\ndriver = "overlay"\n')


@pytest.mark.usefixtures("begun_with_vfs")
def test_a_store_of_ours_that_was_begun_with_vfs_is_begun_anew(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path / "images", "localhost/container-evaluation/small:1a2b\n")
    said = shell("settle_podman_store")
    assert "begun with vfs and holds nothing but an evaluation's: it is begun anew with overlay" in said
    assert driver(tmp_path) == "overlay"


@pytest.mark.usefixtures("begun_with_vfs")
@pytest.mark.parametrize("image", ["docker.io/library/debian:12", "localhost/mine:1", "<none>:<none>"])
def test_a_store_that_holds_what_is_not_ours_stays_and_the_command_is_said(
    shell: Shell, tmp_path: Path, image: str
) -> None:
    write(tmp_path / "images", f"localhost/container-evaluation/small:1a2b\n{image}\n")
    said = shell("settle_podman_store")
    assert f"holds\n\twhat is not ours ({image})" in said
    assert "podman system reset" in said
    assert driver(tmp_path) == "vfs"
    assert not any("reset" in line for line in asked(tmp_path))


@pytest.mark.usefixtures("begun_with_vfs")
def test_a_network_of_the_user_s_is_not_removed(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path / "networks", "network mine\n")
    assert "what is not ours (network mine)" in shell("settle_podman_store")
    assert driver(tmp_path) == "vfs"


def test_where_nothing_better_than_vfs_works_that_is_said_and_nothing_is_removed(
    shell: Shell, tmp_path: Path
) -> None:
    said = shell("podman info; settle_podman_store")
    assert "vfs) here: its figures are not what a centre's podman does" in said
    assert not any("reset" in line for line in asked(tmp_path))
