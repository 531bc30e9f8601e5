"""Real processes, looked at as a verifier looks at them."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from processes import eventually

from evaluation.probes.hostprocesses import (
    HostProcess,
    ancestors,
    below,
    found_by,
    hidden,
    marked,
    named,
    runs,
    still_there,
)


def test_a_process_is_found_by_its_word_and_gone_when_it_is_gone() -> None:
    word = secrets.token_hex(8)
    with subprocess.Popen((sys.executable, "-c", "import time; time.sleep(600)", word)) as process:
        assert eventually(lambda: found_by(sys.executable, word) is not None)
        found = found_by(sys.executable, word)
        assert found is not None
        assert (found.pid, found.parent, found.runs) == (process.pid, os.getpid(), True)
        assert still_there((found,), 0.0) == (found,)
        found.end()
        assert still_there((found,), 30.0) == ()
        assert not runs(process.pid)  # a zombie is none that runs
    assert found_by(sys.executable, word) is None


def test_a_client_that_names_the_payload_is_never_taken_for_it() -> None:
    """The payload is not seen, its client is: by its words alone it would be found."""
    word, program = secrets.token_hex(8), "/evaluation/payload/probe"
    client = (sys.executable, "-c", "import time; time.sleep(600)", program, word)
    with subprocess.Popen(client) as process:
        assert eventually(lambda: found_by(sys.executable, word) is not None)
        assert found_by(program, word) is None
        process.kill()


def made_up_proc(folder: Path, options: str, *, first_is_seen: bool = False, capabilities: int = 0) -> Path:
    """A proc that is mounted with these options; whether process 1 is seen."""
    for name in ("self", "1"):
        (folder / name).mkdir()
    text = f"proc {folder} proc {options} 0 0\ntmpfs /tmp tmpfs rw,hidepid=2 0 0\n"
    (folder / "self" / "mounts").write_text(text)
    (folder / "self" / "status").write_text(f"Name:\tme\nCapEff:\t{capabilities:016x}\nSeccomp:\t0\n")
    if first_is_seen:
        (folder / "1" / "stat").write_text("1 (init) S 0\n")
    return folder


@pytest.mark.parametrize(
    ("options", "is_hidden"),
    [
        ("rw,nosuid,hidepid=2", True),
        ("rw,hidepid=invisible,gid=7", True),
        ("rw,hidepid=0", False),
        ("rw,hidepid=off", False),
        ("rw,nosuid", False),
    ],
)
def test_it_is_said_whether_processes_of_others_are_hidden(
    tmp_path: Path, options: str, *, is_hidden: bool
) -> None:
    told = hidden(made_up_proc(tmp_path, options))
    assert bool(told) is is_hidden
    assert not told or "is mounted with hidepid=" in told


@pytest.mark.parametrize(
    ("ours", "capabilities", "is_hidden"), [(True, 0, True), (True, 1 << 19, False), (False, 0, False)]
)
def test_who_is_exempt_sees_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capabilities: int, *, ours: bool, is_hidden: bool
) -> None:
    """That process 1 can be read shows nothing where it is our own."""
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner if ours else owner + 1)
    proc = made_up_proc(tmp_path, "rw,hidepid=2,gid=7", first_is_seen=True, capabilities=capabilities)
    assert bool(hidden(proc)) is is_hidden


def test_another_process_of_the_same_number_is_not_it() -> None:
    me = next(process for process in below(os.getpid()) if process.pid == os.getpid())
    former = HostProcess(pid=me.pid, parent=me.parent, name=me.name, began=me.began - 1)
    assert not former.runs
    former.end()  # or this test would end here


def test_family_and_inheritance_are_seen() -> None:
    word = secrets.token_hex(8)
    script = f"sleep 600 & : {word}; wait"
    with subprocess.Popen(("sh", "-c", script), env={**os.environ, "A_MARK": word}) as shell:
        assert eventually(lambda: len(marked("A_MARK", word)) == 2)
        tree = below(shell.pid)
        assert {process.pid for process in tree} == {process.pid for process in marked("A_MARK", word)}
        (child,) = (process for process in tree if process.pid != shell.pid)
        assert [process.pid for process in ancestors(child, until=os.getpid())] == [shell.pid]
        assert named(tree) == "sh, sleep"
        for process in tree:
            process.end()
    assert still_there(tree, 30.0) == ()
