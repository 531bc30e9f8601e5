"""The newcomer: the README's two commands, on a machine of which the tool knows nothing yet."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from processes import eventually

from journeys.walking import PATIENCE, Clone, named_user

pytestmark = pytest.mark.real

REPORT = "results/report.html"
EMPTY_RUN = 'mount -t tmpfs tmpfs /run && exec "$@"'
BARE = ("RUNTIMES=none", "PROFILE=trial")


def observed(clone: Clone) -> int:
    """How many lines of observations there are, of all runs at this machine."""
    files = (clone.folder / "results/local").glob("*/observations.jsonl")
    return sum(len(path.read_bytes().splitlines()) for path in files)


def answers(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=60):
        return True
    return False


def measurements(clone: Clone) -> list[str]:
    return [name for name in clone.runs() if not name.endswith("-sweep")]


def test_the_first_words_are_help(clone: Clone) -> None:
    told = clone.run("make", "help").out
    assert {"report", "test", "site"} <= set(re.findall(r"^  ([a-z-]+) ", told, re.MULTILINE))
    assert clone.run("make").out == told
    assert "Usage: evaluation" in clone.run("evaluation", "--help").out
    assert clone.run("evaluation", "--version").out.startswith("evaluation, version ")
    assert ".venv is ready" not in clone.run("make", "setup").all, "it was made already"


def test_the_reference_s_report_needs_no_measurement(clone: Clone) -> None:
    clone.run("make", "reference")
    assert clone.runs() == []
    assert "verified: reference/" in clone.run("evaluation", "verify", REPORT).out
    (site,) = clone.answers("--run", "reference")
    assert len(site["use_cases"]) == 3
    assert all(case["verdicts"] for case in site["use_cases"])


def test_a_report_that_was_interrupted_is_resumed(clone: Clone) -> None:
    before = (clone.folder / REPORT).read_bytes()
    process = clone.start("make", "report", *BARE, f"MEASURE_AS={named_user()[1]}")
    assert eventually(lambda: observed(clone) > 5 or process.poll() is not None, PATIENCE)
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0, told
    assert "interrupted; what was measured is kept" in told
    assert "Traceback" not in told
    assert (clone.folder / REPORT).read_bytes() == before
    (begun,) = measurements(clone)
    kept = observed(clone)
    assert kept > 5
    clone.run("make", "report", *BARE, f"MEASURE_AS={named_user()[1]}")
    assert measurements(clone) == [begun], "the same run, to its end"
    assert observed(clone) > kept
    assert (clone.folder / "results/local" / begun / "complete.json").exists()


def test_the_page_says_what_was_measured(clone: Clone) -> None:
    (begun,) = measurements(clone)
    (site,) = clone.answers()
    assert site["run"] == f"local/{begun}"
    assert all("Only the bare host was measured" in case["sentence"] for case in site["use_cases"])
    text = re.sub(r"<[^>]+>", " ", clone.read(REPORT))
    assert "Only the bare host was measured" in text
    assert begun in text
    rows = json.loads(clone.run("evaluation", "findings", "--format", "json").out)
    host = {row["probe"]: row for row in rows if row["runtime"] == "host"}
    assert not [row for row in host.values() if row["outcome"] == "ERROR"]
    assert host["cpu_rate"]["outcome"] == "MEASURED"
    assert "verified: local/" in clone.run("evaluation", "verify", REPORT).out


def test_a_second_report_measures_nothing(clone: Clone) -> None:
    runs, seen = clone.runs(), observed(clone)
    assert "measured already" in clone.run("make", "report", *BARE).out
    assert "measured already" in clone.run("make", "measure", *BARE).out
    assert (clone.runs(), observed(clone)) == (runs, seen)


def test_fresh_measures_again_and_its_interruption_keeps_the_report(clone: Clone) -> None:
    runs = clone.runs()
    process = clone.start("make", "report", "RUNTIMES=none", "PROFILE=full", "IMAGES=xs", "FRESH=1")
    assert eventually(lambda: len(clone.runs()) > len(runs) or process.poll() is not None, PATIENCE)
    os.killpg(process.pid, signal.SIGINT)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0, told
    assert "Traceback" not in told
    clone.run("make", "report", *BARE)
    (site,) = clone.answers()
    assert site["run"].removeprefix("local/") in runs, "what was measured whole is what is reported"


def test_the_report_is_printed(clone: Clone) -> None:
    if not (os.environ.get("CHROMIUM") or shutil.which("chromium")):
        assert "Chromium is missing" in clone.run("make", "pdf", ends=2).err
        return
    clone.run("make", "pdf")
    assert (clone.folder / "results/report.pdf").read_bytes().startswith(b"%PDF")


@pytest.fixture
def lab(clone: Clone, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """JupyterLab as `make lab` starts it, without a browser to open."""
    env = {"BROWSER": "true", "HOME": str(tmp_path), "JUPYTER_PREFER_ENV_PATH": "1"}
    with clone.start("make", "lab", env=env) as process:
        yield process
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def test_the_notebooks_open_in_the_lab(lab: subprocess.Popen[str], tmp_path: Path) -> None:
    assert lab.stdout is not None
    address = None
    said: list[str] = []
    for line in lab.stdout:
        said.append(line)
        if address := re.search(r"(http://(?:localhost|127\.0\.0\.1):\d+)/lab\S*\?token=(\w+)", line):
            break
    assert address is not None, "".join(said)
    asked = f"{address[1]}/api/contents/?token={address[2]}"
    port = int(address[1].rpartition(":")[2])
    assert eventually(lambda: answers(port)), "it says its address before it listens, and then it listens"
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - http, by the pattern above
        names = {each["name"] for each in json.load(answer)["content"]}
    assert "10_performance.ipynb" in names
    assert [*tmp_path.iterdir()] == [], "nothing is written in the home"


def test_the_setup_installs_and_stops_nothing_where_it_is_declined(clone: Clone) -> None:
    assert "nothing is installed or started" in clone.run("make", "runtimes", "RUNTIMES=none").out


def test_the_setup_stops_only_what_it_started(clone: Clone) -> None:
    if os.getuid() != 0:
        assert "needs root" in clone.run("make", "runtimes-stop", ends=2).err
        return
    # In a mount namespace of its own, with an empty /run: the daemons of other tests are not known there.
    told = clone.run("make", "runtimes-stop", through=("unshare", "--mount", "sh", "-c", EMPTY_RUN, "sh"))
    assert told.out.count("none that was started from here") == 2


def test_what_was_made_is_cleaned_away_and_results_stay(clone: Clone) -> None:
    runs = clone.runs()
    clone.run("make", "clean")
    assert not (clone.folder / ".venv").exists()
    assert clone.runs() == runs
    assert (clone.folder / REPORT).exists()
