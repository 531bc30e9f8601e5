"""`make test` runs two workers: what looks after containers and daemons keeps to one of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_what_looks_after_the_machine_keeps_to_one_worker() -> None:
    words = (
        "-m",
        "pytest",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        "-v",
        "tests/images/test_layers.py",
        "tests/images/test_recipe.py",
        "tests/test_shares.py",
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        (sys.executable, *words), capture_output=True, text=True, check=False, cwd=ROOT, env=env
    )
    assert done.returncode == 0, done.stdout
    took = re.findall(r"^\[(gw\d)\] .* PASSED tests/(\S+)", done.stdout, re.MULTILINE)
    of = {
        group: {(worker, re.split("[/:]", test)[0]) for worker, test in took if test.endswith(group)}
        for group in ("@machine", "@papers")
    }
    assert [folder for _, folder in of["@machine"]] == ["images"], "one worker, and all of a folder"
    assert [folder for _, folder in of["@papers"]] == ["test_shares.py"]
    assert not {worker for worker, _ in of["@machine"]} & {worker for worker, _ in of["@papers"]}
