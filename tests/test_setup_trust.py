"""The set-up runs as root and looks into the measuring user's folders: it believes nothing there.

A FAKE podman and a made-up user stand for the real ones; the processes are real.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from rival import AS_ROOT, Race

SETUP = Path(__file__).parents[1] / "setup" / "runtimes"
pytestmark = AS_ROOT

_ALIKE = """
. {setup} help >/dev/null
measuring_user() {{ echo nobody; }}
rootless_dir() {{ echo {folder}; }}
logs={folder}/../logs; mkdir -p "$logs"
become_user() {{ exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }}
has() {{ [ "$1" = podman ]; }}
podman_used() {{ true; }}
as_user() {{ if [ "$1" = podman ]; then {podman}; else (become_user "$@"); fi; }}
{then}
"""


def run(race: Race, then: str, podman: str = "true") -> str:
    script = _ALIKE.format(setup=SETUP, folder=race.work, podman=podman, then=then)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("whose", [0, 65534])
def test_only_a_process_of_the_users_own_is_ended_for_podmans(race: Race, whose: int) -> None:
    with subprocess.Popen(["sleep", "600"], user=whose) as process:
        pids = race.work / "libpod" / "tmp"
        podman = f"setpriv --reuid nobody sh -c 'mkdir -p {pids}; echo {process.pid} >{pids}/pause.pid'"
        try:
            run(race, "mend_podman", podman)
            if whose == 0:
                assert process.poll() is None, "a process of root's was ended because the user named it"
            else:
                process.wait(30)
        finally:
            process.kill()


def test_nothing_of_roots_is_removed_through_a_users_link(race: Race) -> None:
    mine = race.victim / "containerd.pid"
    mine.write_text("999999999")
    docker = race.work / "docker"
    docker.mkdir()
    os.chown(docker, 65534, 65534)
    (docker / "containerd").symlink_to(race.victim)
    said = run(
        race, "rootless_answers() { return 1; }; rootless_script() { echo /bin/false; }; start_rootless"
    )
    assert mine.exists(), said
    mine.unlink()
    assert race.lost() == ""
