"""A site's own job, a made-up package, really run in the small image by every runtime that is here."""

from pathlib import Path

import pytest
from conftest import ArmOf

from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.model import CONTROL, Outcome
from evaluation.probes.base import Observations, Probe
from evaluation.probes.workloads import probe_of
from evaluation.runtimes import known_runtimes
from evaluation.workloads import load_workload

pytestmark = pytest.mark.real

SCRIPT = """\
import sys
total = sum(number * number for number in range(int(sys.argv[1])))
with open("sum.txt", "w") as output:
    output.write(str(total))
print("numbers", sys.argv[1])
"""
JOB = """\
version: 1
question: How many numbers are squared per second?
why: A made-up package shows that a site can bring its own.
method: Python squares numbers and adds them up.
image: small
files: squares
argv: [python3, -s, -B, squares.py, "20000"]
figures:
  numbers: {pattern: '^numbers (\\d+)$', low: 20000, high: 20000}
output: [sum.txt]
hashed: [sum.txt]
rate: {amount: numbers, unit: 1/s}
timeout_s: 60
"""


def made_up(folder: Path, script: str) -> Probe:
    (folder / "squares").mkdir()
    (folder / "squares" / "squares.py").write_text(script)
    (folder / "squares.yaml").write_text(JOB)
    return probe_of(load_workload(folder, "squares"))


def observed(probe: Probe, bench: Bench, arm: Arm) -> Observations:
    with work_directory(bench) as work:
        session = TurnSession(bench=bench, arm=arm, probe=probe, block=0, order=0, work=work)
        probe.observe(session)
    return Observations(tuple(session.observations))


@pytest.mark.parametrize("runtime", known_runtimes())
def test_it_runs_and_its_output_is_the_hosts(
    runtime: str, bench: Bench, arm_of: ArmOf, tmp_path: Path
) -> None:
    probe = made_up(tmp_path, SCRIPT)
    own = observed(probe, bench, arm_of(runtime))
    host = observed(probe, bench, arm_of(CONTROL))
    judgement = probe.judge(own, {CONTROL: host})
    assert judgement.outcome is Outcome.MEASURED, judgement.message


def test_a_job_that_prints_nothing_is_an_error(bench: Bench, arm_of: ArmOf, tmp_path: Path) -> None:
    probe = made_up(tmp_path, SCRIPT.replace('print("numbers", sys.argv[1])', ""))
    judgement = probe.judge(observed(probe, bench, arm_of(CONTROL)), {})
    assert (judgement.outcome, "did not print numbers" in judgement.message) == (Outcome.ERROR, True)
