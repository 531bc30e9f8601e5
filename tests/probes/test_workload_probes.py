"""How workloads become probes: what counts, and what never does."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.model import CONTROL, Outcome
from evaluation.probes import registry
from evaluation.probes.base import Completed, Observations, Probe
from evaluation.probes.registry import FaultyProbeError, discover, group_of
from evaluation.probes.workloads import probe_of, workload_probes
from evaluation.testing import FakeSession, ended
from evaluation.workloads import load_workload

GOOD = b"words\nevents 3\nspent 0.5\n"


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "job.py").write_text("print('made up')")
    (tmp_path / "job.yaml").write_text(
        """\
version: 4
question: How many made-up events per second?
why: A test of what a site writes.
method: A script counts to three.
image: small
files: job
argv: [python3, "{work}/job.py", "{image}/usr", "{input}"]
env: {HERE: "{work}"}
data:
  input: {source: /data/here, target: /mnt}
figures:
  events: {pattern: '^events (\\S+)$', low: 1, high: 5}
  spent: {pattern: '^spent (\\S+)$', low: 0, high: 9, varies: true}
output: [out.txt, log.txt]
hashed: [out.txt]
rate: {amount: events, seconds: spent, unit: 1/s}
timeout_s: 10
"""
    )
    return probe_of(load_workload(tmp_path, "job"))


def sums(work: Path, **texts: bytes) -> Completed:
    lines = [f"{hashlib.sha256(data).hexdigest()}  {work}/{name}.txt\n" for name, data in texts.items()]
    return ended("".join(lines).encode())


def turn(
    probe: Probe,
    work: Path,
    *,
    printed: bytes = GOOD,
    out: bytes = b"result",
    exit_status: int = 0,
    counted: Callable[[Path], Completed] | None = None,
    is_control: bool = False,
) -> FakeSession:
    """One turn of which the job prints and writes what the test says."""
    work.mkdir(exist_ok=True)

    def answer(argv: tuple[str, ...]) -> Completed:
        if argv[0] == "sha256sum":
            return counted(work) if counted else sums(work, out=out, log=b"log")
        assert (work / "job.py").read_text() == "print('made up')"
        return ended(printed, exit_status=exit_status)

    session = FakeSession(probe=probe, work=work, on_launch=answer, is_control=is_control)
    probe.observe(session)
    return session


def judged(probe: Probe, own: Observations, host: Observations | None = None) -> tuple[Outcome, str]:
    judgement = probe.judge(own, {CONTROL: host} if host else {})
    return judgement.outcome, judgement.message


def test_a_job_that_did_its_work_gives_its_rate(probe: Probe, tmp_path: Path) -> None:
    session = turn(probe, tmp_path / "work")
    judgement = probe.judge(session.observations, {})
    assert (judgement.outcome, judgement.samples) == (Outcome.MEASURED, {0: 6.0})
    assert not list((tmp_path / "work").iterdir()), "what was brought is taken away again"


def test_words_in_braces_are_paths_as_the_arm_sees_them(probe: Probe, tmp_path: Path) -> None:
    inside = turn(probe, tmp_path / "work").launched[0]
    assert inside == ("python3", "/work/job.py", "/usr", "/mnt")
    assert turn(probe, tmp_path / "work", is_control=True).launched[0][3] == "/data/here"


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (b"", "the job ended with exit status 0 and did not print events"),
        (b"events 1000000\nspent 0.1", "events is 1e+06, not between 1 and 5"),
        (b"events none\nspent 0.1", "the job printed 'none' for events, which is no number"),
        (b"events nan\nspent 0.1", "events is nan, not between 1 and 5"),
        (b"events 3\nspent 0", "a rate cannot be taken"),
    ],
)
def test_what_was_printed_must_be_there_and_make_sense(
    probe: Probe, tmp_path: Path, printed: bytes, message: str
) -> None:
    outcome, said = judged(probe, turn(probe, tmp_path / "work", printed=printed).observations)
    assert outcome is Outcome.ERROR
    assert message in said


def test_a_job_that_failed_has_no_rate_whatever_it_printed(probe: Probe, tmp_path: Path) -> None:
    outcome, said = judged(probe, turn(probe, tmp_path / "work", exit_status=3).observations)
    assert (outcome, "exit status 3" in said) == (Outcome.ERROR, True)


def test_output_must_be_written_and_not_be_empty(probe: Probe, tmp_path: Path) -> None:
    missing = turn(probe, tmp_path / "work", counted=lambda work: sums(work, log=b"log"))
    assert judged(probe, missing.observations) == (
        Outcome.ERROR,
        "the job ended with exit status 0 and did not write out.txt",
    )
    outcome, said = judged(probe, turn(probe, tmp_path / "work", out=b"").observations)
    assert (outcome, "out.txt is empty" in said) == (Outcome.ERROR, True)


def test_other_output_than_the_hosts_is_an_error(probe: Probe, tmp_path: Path) -> None:
    host = turn(probe, tmp_path / "work", is_control=True).observations
    other = turn(probe, tmp_path / "work", out=b"another result").observations
    same = turn(probe, tmp_path / "work").observations
    assert judged(probe, same, host)[0] is Outcome.MEASURED
    outcome, said = judged(probe, other, host)
    assert (outcome, "other work was done" in said) == (Outcome.ERROR, True)


def test_figures_that_may_vary_may(probe: Probe, tmp_path: Path) -> None:
    host = turn(probe, tmp_path / "work", is_control=True).observations
    slow = turn(probe, tmp_path / "work", printed=GOOD.replace(b"0.5", b"5")).observations
    other = turn(probe, tmp_path / "work", printed=GOOD.replace(b"3", b"4")).observations
    assert judged(probe, slow, host)[0] is Outcome.MEASURED
    assert judged(probe, other, host)[0] is Outcome.ERROR


def test_a_file_in_the_projects_folder_is_a_probe(
    probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = workload_probes(tmp_path)
    assert [item.id for item in found] == ["job"]
    monkeypatch.setattr(registry, "_workloads", lambda: found)
    registry._found.cache_clear()
    try:
        assert (group_of("job"), discover()["job"].version) == ("performance", probe.version)
        monkeypatch.setattr(registry, "_workloads", lambda: (replace(probe, id="cold_start"),))
        registry._found.cache_clear()
        with pytest.raises(FaultyProbeError, match="there is a probe cold_start in performance too"):
            discover()
    finally:
        monkeypatch.undo()
        registry._found.cache_clear()
