import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from tasks import ARCHIVES, BARE, FULL, PINNED

from evaluation.model import Bind, Task
from evaluation.runtimes import known_runtimes

HOST = known_runtimes()["host"]
TREE = "/store/host"


def test_without_an_image_the_command_is_what_is_run() -> None:
    assert HOST.argv(Task(image="", argv=("program", "--flag"))) == ("program", "--flag")


def test_settings_are_made_by_env() -> None:
    task = Task(image="", argv=("program",), env=(("A", "1"), ("B", "two words=2")), workdir="/data")
    assert HOST.argv(task) == ("env", "--chdir=/data", "A=1", "B=two words=2", "program")


def test_a_bare_name_is_run_out_of_the_images_tree() -> None:
    libraries = ":".join(
        f"{TREE}/{path}" for path in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64", "usr/lib")
    )
    assert HOST.argv(Task(image=TREE, argv=("python3", "-c", "pass"))) == (
        "env", f"PYTHONHOME={TREE}/usr", f"{TREE}/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "--library-path", libraries, "--argv0", "python3", f"{TREE}/usr/bin/python3", "-c", "pass",
    )  # fmt: skip


ON_ARM = """
import platform

platform.machine = lambda: "aarch64"
from evaluation.model import Task
from evaluation.runtimes import known_runtimes

print(*known_runtimes()["host"].argv(Task(image="/tree", argv=("python3",))))
"""


def test_on_arm64_the_loader_and_the_libraries_are_its_own() -> None:
    done = subprocess.run((sys.executable, "-c", ON_ARM), capture_output=True, text=True, check=True)
    assert " /tree/usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1 --library-path " in done.stdout
    assert "/tree/lib/aarch64-linux-gnu:/tree/usr/lib/aarch64-linux-gnu:" in done.stdout
    assert "x86" not in done.stdout


def test_no_loader_of_the_hosts_is_used(tmp_path: Path) -> None:
    """Debian 12's tree has an absolute link in ``lib64``: elsewhere it leads to another one, or nowhere."""
    here = Path("/lib64/ld-linux-x86-64.so.2").resolve()
    told = subprocess.run(
        (here, "--list", shutil.which("true") or ""), capture_output=True, text=True, check=True
    )
    libraries = tmp_path / "usr/lib/x86_64-linux-gnu"
    for folder in (libraries, tmp_path / "usr/lib64", tmp_path / "usr/bin"):
        folder.mkdir(parents=True)
    for word in told.stdout.split():
        if word.startswith("/"):
            shutil.copy(word, libraries)
    shutil.copy(here, libraries / "ld-linux-x86-64.so.2")
    shutil.copy(shutil.which("true") or "", tmp_path / "usr/bin")
    (tmp_path / "lib64").symlink_to("usr/lib64")
    (tmp_path / "usr/lib64/ld-linux-x86-64.so.2").symlink_to("/nonexistent/ld-linux-x86-64.so.2")
    argv = HOST.argv(Task(image=str(tmp_path), argv=("true",)))
    assert subprocess.run(argv, check=False).returncode == 0


def test_an_absolute_path_is_a_program_of_the_host() -> None:
    assert HOST.argv(Task(image=TREE, argv=("/bin/true",))) == ("/bin/true",)


def test_nothing_is_bound_and_everything_is_seen_where_it_is() -> None:
    bind = Bind(source="/data", target="/work")
    assert not HOST.read_only_binds
    assert HOST.sees(bind) == "/data"
    assert HOST.sees_image(TREE, "/etc/passwd") == f"{TREE}/etc/passwd"
    assert not any("/data" in word for word in HOST.argv(FULL))


def test_its_version_is_its_kernels() -> None:
    assert HOST.version_argv() == ("uname", "-sr")
    assert HOST.parse_version("Linux 6.1.0-18-amd64\n") == "Linux 6.1.0-18-amd64"


def test_prepare_unpacks_the_tree() -> None:
    preparation = HOST.prepare(ARCHIVES, "/store")
    assert preparation.reference == preparation.path == TREE
    assert preparation.steps == (
        ("mkdir", TREE),
        (
            "tar", "--extract", "--preserve-permissions", "--no-same-owner", "--exclude=./dev/*",
            "--file", "/cache/image.tar", "--directory", TREE,
        ),
    )  # fmt: skip


def test_it_never_fails_itself_and_leaves_nothing() -> None:
    assert HOST.own_failure(127, "env: 'nope': No such file or directory\n") is None
    assert not HOST.cleanup(BARE)
    assert not HOST.adaptations()
    assert not HOST.listing()


def test_its_children_inherit_the_clients_processors() -> None:
    assert HOST.argv(replace(PINNED, image="")) == (
        "taskset", "-c", "0-1", "program",
    )  # fmt: skip
