"""A mark tells whether its process is gone for certain, on this host and no other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.marks import abandoned, mark
from evaluation.scratch import in_use, scratch_directory

ROOT = Path(__file__).parents[1]
FIELDS = ("host", "boot", "namespace", "pid", "began")


def other(**fields: str) -> str:
    """Our own mark with other fields."""
    told = dict(zip(FIELDS, mark().split("."), strict=True))
    return ".".join({**told, **fields}.values())


def gone_pid() -> str:
    with subprocess.Popen(("true",)) as process:
        process.wait()
    return str(process.pid)


def began(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_what_lives_is_not_abandoned() -> None:
    assert not abandoned(mark())


def test_what_is_gone_is_and_so_is_what_had_its_number_before() -> None:
    assert abandoned(other(pid=gone_pid()))
    assert abandoned(other(began="1"))
    assert abandoned(other(boot="ffffff"))


def test_of_another_host_or_namespace_nothing_is_known() -> None:
    gone = gone_pid()
    assert not abandoned(other(host="ffffff", pid=gone))
    assert not abandoned(other(host="ffffff", boot="ffffff"))
    assert not abandoned(other(namespace="ffff", pid=gone))


def test_a_number_that_no_process_can_have_makes_no_mark() -> None:
    assert not abandoned(other(pid="9" * 30))


@pytest.mark.parametrize("text", ["", "12345", "1.2.3", "lock", f"{'f' * 6}.{'f' * 6}.{'f' * 4}.1"])
def test_what_is_no_mark_is_nobodys_to_remove(text: str) -> None:
    assert not abandoned(text)


def test_somebody_elses_process_is_there_though_we_may_not_signal_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not abandoned(other(pid="1", began=began(1)))
    assert not abandoned(other(pid=str(2**22 + 1))), "hidden from us (hidepid)"


# ---- one folder that two hosts see ----------------------------------------------------------------------

HOLDS = """
import socket, sys, time
from evaluation.scratch import scratch_directory
if sys.argv[1:]:
    socket.sethostname(sys.argv[1])
with scratch_directory() as path:
    print(path, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    assert tmp_path  # pytest's own folders are made first, elsewhere
    folder = Path(tempfile.mkdtemp())
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a process another host's name")
@pytest.mark.parametrize(
    ("unshared", "words"),
    [(("--uts",), ("another-node",)), (("--pid", "--fork", "--kill-child", "--mount-proc"), ())],
)
def test_what_another_node_measures_in_is_left_alone(
    shared: Path, unshared: tuple[str, ...], words: tuple[str, ...]
) -> None:
    argv = ("unshare", *unshared, sys.executable, "-c", HOLDS, *words)
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = process.stdout.readline().strip()
        if not told and process.wait() and os.access("/.dockerenv", os.F_OK):
            pytest.skip("root may not unshare here")
        theirs = Path(told)
        assert theirs.is_relative_to(shared)
        with scratch_directory() as ours:
            assert ours != theirs
            assert theirs.exists()
            assert in_use(theirs)
        process.kill()
    with scratch_directory():
        assert theirs.exists(), "whether it lives cannot be seen from here"


NO_LOCKS = """
#include <errno.h>
int flock(int file, int how) { (void)file; (void)how; errno = ENOSYS; return -1; }
"""


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_a_file_system_without_locks_gives_one_folder(shared: Path, tmp_path: Path) -> None:
    """It was 14,305 of them in 20 s, without an end."""
    source, library = tmp_path / "locks.c", tmp_path / "locks.so"
    source.write_text(NO_LOCKS)
    subprocess.run(("gcc", "-shared", "-fPIC", "-o", library, source), check=True)
    script = """
        from evaluation.scratch import scratch_directory
        with scratch_directory() as path:
            print(len(list(path.parent.iterdir())))
    """
    done = subprocess.run(
        (sys.executable, "-c", textwrap.dedent(script)), cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=60, env={**os.environ, "LD_PRELOAD": str(library), "TMPDIR": str(shared)},
    )  # fmt: skip
    assert done.stdout == "1\n"
