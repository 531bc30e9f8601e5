"""Real processes, looked at as a verifier looks at them."""

import os
import secrets
import subprocess
import sys

from processes import eventually

from evaluation.probes.hostprocesses import (
    HostProcess,
    ancestors,
    below,
    found_by,
    marked,
    named,
    runs,
    still_there,
)


def test_a_process_is_found_by_its_word_and_gone_when_it_is_gone() -> None:
    word = secrets.token_hex(8)
    with subprocess.Popen((sys.executable, "-c", "import time; time.sleep(600)", word)) as process:
        assert eventually(lambda: found_by(word) is not None)
        found = found_by(word)
        assert found is not None
        assert (found.pid, found.parent, found.runs) == (process.pid, os.getpid(), True)
        assert still_there((found,), 0.0) == (found,)
        found.end()
        assert still_there((found,), 30.0) == ()
        assert not runs(process.pid)  # a zombie is none that runs
    assert found_by(word) is None


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
