"""`make test` runs two workers: what looks after processes and locks keeps to one of them."""

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
        "tests/test_shares.py",
        "tests/test_blocks.py",
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        (sys.executable, *words), capture_output=True, text=True, check=False, cwd=ROOT, env=env
    )
    assert done.returncode == 0, done.stdout
    took = re.findall(r"^\[(gw\d)\] .* PASSED (\S+)", done.stdout, re.MULTILINE)
    assert len(took) > 2
    assert {worker for worker, _ in took} == {took[0][0]}
    assert all(test.endswith("@machine") for _, test in took)
