"""The environment of everything measured: what would hold for some arms only is left out for all."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest
from unreadable import unreadable

from evaluation.measure import environment
from evaluation.measure.environment import altered, decided
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import measuring_user, ourselves

SLEEPER = """
#include <unistd.h>
__attribute__((constructor)) static void wait_a_little(void) { usleep(30000); }
"""


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """We are no root: the environment is our own."""
    monkeypatch.setattr(os, "getuid", lambda: pwd.getpwnam("nobody").pw_uid)


@pytest.mark.usefixtures("somebody")
def test_a_library_that_the_site_preloads_is_loaded_into_no_arm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """XALT's way: each program of the host would take its time, and none in a container."""
    (tmp_path / "sleeper.c").write_text(SLEEPER)
    library = tmp_path / "sleeper.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "sleeper.c"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    user = measuring_user()
    monkeypatch.delenv("LD_PRELOAD")  # the launcher's own start is not what is looked at
    monkeypatch.setattr(os, "getuid", lambda: user.uid)
    assert any(line.startswith("LD_PRELOAD is left out") for line in user.altered)
    assert str(library) not in " ".join(user.altered)
    maps = ("cat", "/proc/self/maps")
    with Launcher(user) as launcher:
        done = launcher.run(Command(argv=maps, env=user.env), timeout_s=30.0)
        loaded = launcher.run(Command(argv=maps, env={"LD_PRELOAD": str(library)}), timeout_s=30.0)
    assert done.ok
    assert b"sleeper" not in done.stdout
    assert b"sleeper" in loaded.stdout


@pytest.mark.parametrize(
    "name",
    ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "BASH_ENV", "OMP_NUM_THREADS",
     "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"],
)  # fmt: skip
def test_what_would_hold_for_some_arms_only_is_left_out_and_named(name: str, tmp_path: Path) -> None:
    assert name not in decided({name: "/secret/place"})
    (told,) = altered({name: "/secret/place"}, tmp_path / "none")
    assert told.startswith(f"{name} is left out: ")
    assert "secret" not in told


@pytest.mark.parametrize("name", ["TMPDIR", "https_proxy", "DOCKER_HOST", "APPTAINER_BIND", "XDG_DATA_HOME"])
def test_what_steers_the_runtimes_is_kept_and_named(name: str, tmp_path: Path) -> None:
    assert decided({name: "/x"}) == {name: "/x"}
    assert altered({name: "/x"}, tmp_path / "none") == (f"{name} is kept",)


def test_the_locale_is_one_for_all_and_no_word_is_lost_on_it(tmp_path: Path) -> None:
    assert decided({"LC_ALL": "de_DE.UTF-8", "LANG": "ja_JP", "LANGUAGE": "fr"}) == {}
    assert altered({"LC_ALL": "de_DE.UTF-8", "EDITOR": "vi"}, tmp_path / "none") == ()


def test_what_our_own_start_sets_is_left_out_without_a_word(tmp_path: Path) -> None:
    assert decided({"PYTHONNOUSERSITE": "1"}) == {}
    assert altered({"PYTHONNOUSERSITE": "1"}, tmp_path / "none") == ()


def test_a_runtime_folder_that_points_nowhere_is_left_out_and_named(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    assert "XDG_RUNTIME_DIR" not in decided({"XDG_RUNTIME_DIR": nowhere})
    (told,) = altered({"XDG_RUNTIME_DIR": nowhere}, tmp_path / "none")
    assert told.startswith("XDG_RUNTIME_DIR is left out")
    assert decided({"XDG_RUNTIME_DIR": str(tmp_path)}) == {"XDG_RUNTIME_DIR": str(tmp_path)}


def test_a_runtime_folder_below_a_closed_one_is_left_out_too(tmp_path: Path) -> None:
    env = {"XDG_RUNTIME_DIR": str(tmp_path / "closed")}
    with unreadable():
        assert decided(env) == {}


def test_the_loaders_own_list_is_named(tmp_path: Path) -> None:
    """It cannot be left out: ld.so(8) reads it for every program that is linked dynamically."""
    (tmp_path / "preload").write_text("# the site's\n/opt/xalt/lib/libxalt_init.so\n")
    (told,) = altered({}, tmp_path / "preload")
    assert "libxalt_init.so" in told
    assert "every program of the host" in told
    (tmp_path / "preload").write_text("# nothing\n")
    assert altered({}, tmp_path / "preload") == ()


def test_a_compiler_keeps_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules set them; compiling is not measured."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/gcc/lib64")
    assert ourselves().env["LD_LIBRARY_PATH"] == "/opt/gcc/lib64"
    assert Path("/etc/ld.so.preload") == environment.PRELOADED


def test_a_line_of_the_site_s_that_failed_in_the_job_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALUATION_INIT_FAILED", "module load x, exit status 1")
    monkeypatch.setenv("EVALUATION_INIT_SAID", "warning: old\nerror: no module x\n")
    (told,) = altered({}, tmp_path / "none")
    assert told == (
        "the site's worker_init failed in this job: module load x, exit status 1: error: no module x"
    )
