"""Work through real batch systems comes back, or is lost with its cause; nothing is left or repeated."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluation.batch import Batch
from evaluation.errors import EvaluationError
from evaluation.measure.launcher import Launcher
from evaluation.measure.submission import LostError, end_abandoned, open_executor
from evaluation.measure.submission.job import current_job
from evaluation.measure.submission.scheduler import PREFIX, Queue, scheduler_of
from evaluation.measure.user import ourselves
from evaluation.sites import Site, load_site

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.real

Commands = dict[str, tuple[str, ...]]
CLOSE: Commands = {
    "slurm": ("scontrol", "update", "partitionname=main", "state=down"),
    "gridengine": ("qmod", "-d", "main.q"),
}
OPEN: Commands = {
    "slurm": ("scontrol", "update", "partitionname=main", "state=up"),
    "gridengine": ("qmod", "-e", "main.q"),
}
CANCEL: Commands = {"slurm": ("scancel",), "gridengine": ("qdel",)}
WHY_NOT: dict[str, str] = {"slurm": "PartitionDown", "gridengine": "disabled"}
HOW: dict[str, str] = {"slurm": "ended: CANCELLED", "gridengine": "ended: "}


WAITS = (
    "trap 'echo asked to end; sleep 2; echo ended; exit 0' TERM USR2; echo waiting; "
    "while :; do sleep 0.1; done"
)


@pytest.fixture(params=["slurm", "gridengine"])
def engine_name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine that runs, with its variables set as on a host of the cluster."""
    for name, value in request.getfixturevalue(request.param).items():
        monkeypatch.setenv(name, value)
    return str(request.param)


@pytest.fixture
def slurm_here(slurm: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)


def site_of(engine: str, **changes: object) -> Site:
    site = load_site(f"{engine}-test", ROOT / "sites")
    return site.model_copy(update={"batch": site.batch.model_copy(update=changes)})


def here(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.fixture
def jobs() -> Iterator[Callable[[str, str], tuple[str, ...]]]:
    with Launcher(ourselves()) as launcher:
        yield lambda engine, name: tuple(
            job.id for job in Queue(scheduler_of(engine), launcher).jobs(PREFIX + name)
        )


def test_work_comes_back_and_a_killed_pilot_loses_it_with_its_cause(
    engine_name: str, tmp_path: Path, jobs: Callable[[str, str], tuple[str, ...]]
) -> None:
    output = tmp_path / "output"
    with open_executor(site_of(engine_name), shared=tmp_path) as executor:
        job = executor.submit(current_job, engine_name).result(timeout=120)
        assert job is not None
        assert executor.jobs() == (job.id,)
        assert job.node
        with pytest.raises(ValueError, match="math domain error"):
            executor.submit(math.sqrt, -1).result(timeout=60)
        status = executor.run(("sh", "-c", "echo $EVALUATION_SUBMISSION; pwd; exit 3"), output)
        assert status.result(timeout=60) == 3
        assert output.read_text().splitlines() == [executor.id, str(ROOT)]
        lost = executor.run(("sh", "-c", WAITS), output)
        give_up = time.monotonic() + 60
        while "waiting" not in output.read_text():
            assert time.monotonic() < give_up
            time.sleep(0.1)
        here(*CANCEL[engine_name], job.id)
        with pytest.raises(LostError, match=f"job {job.id} {HOW[engine_name]}"):
            lost.result(timeout=60)
        if engine_name == "slurm":  # Grid Engine's notice may be too short here
            assert output.read_text().endswith("asked to end\nended\n"), "before it is made to"
    assert jobs(engine_name, executor.id) == ()
    assert {path.name for path in tmp_path.iterdir()} == {"output"}


def test_a_queue_that_never_starts_is_told_with_the_scheduler_s_reason(
    engine_name: str, tmp_path: Path, jobs: Callable[[str, str], tuple[str, ...]]
) -> None:
    here(*CLOSE[engine_name])
    try:
        with open_executor(site_of(engine_name, start_within="00:00:04"), shared=tmp_path) as executor:
            with pytest.raises(LostError, match=r"no job was started within 00:00:04: .*") as caught:
                executor.submit(math.sqrt, 4).result(timeout=60)
            assert WHY_NOT[engine_name] in str(caught.value)
            assert jobs(engine_name, executor.id), "it waits until it is cancelled"
        assert jobs(engine_name, executor.id) == ()
    finally:
        here(*OPEN[engine_name])


def test_what_a_killed_submitter_leaves_is_found_again_and_ended(
    engine_name: str, tmp_path: Path, jobs: Callable[[str, str], tuple[str, ...]]
) -> None:
    script = f"""
        import time
        from pathlib import Path
        from evaluation.measure.submission import open_executor
        from evaluation.sites import load_site
        site = load_site("{engine_name}-test", Path("sites"))
        executor = open_executor(site, shared=Path({str(tmp_path)!r}))
        executor.submit(time.sleep, 0).result()
        executor.submit(time.sleep, 600)
        print(executor.id, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    ) as submitter:  # fmt: skip
        assert submitter.stdout
        submission = submitter.stdout.readline().strip()
        with Launcher(ourselves()) as launcher:
            queue = Queue(scheduler_of(engine_name), launcher)
            assert end_abandoned(tmp_path, queue) == (), "its submitter lives"
            assert len(jobs(engine_name, submission)) == 1
            submitter.send_signal(signal.SIGKILL)
            submitter.wait()
            assert end_abandoned(tmp_path, queue) == (submission,)
    assert jobs(engine_name, submission) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("slurm_here")
@pytest.mark.parametrize("submit_by", ["parsl", "psij"])
def test_a_node_that_goes_takes_its_work_with_it_and_says_so(
    tmp_path: Path, submit_by: str, jobs: Callable[[str, str], tuple[str, ...]]
) -> None:
    with open_executor(site_of("slurm", submit_by=submit_by), shared=tmp_path) as executor:
        job = executor.submit(current_job, "slurm").result(timeout=120)
        assert job is not None
        assert job.id == executor.jobs()[0]
        lost = executor.submit(time.sleep, 600)
        node = running_on(executor.jobs()[-1])
        here("scontrol", "update", f"nodename={node}", "state=down", "reason=a test")
        try:
            with pytest.raises(LostError, match=f"job {executor.jobs()[-1]} ended: NODE_FAIL"):
                lost.result(timeout=60)
        finally:
            here("scontrol", "update", f"nodename={node}", "state=undrain")
    assert jobs("slurm", executor.id) == ()
    assert list(tmp_path.iterdir()) == []


def running_on(job: str) -> str:
    give_up = time.monotonic() + 60
    while not (found := here("squeue", "-h", "-j", job, "-t", "RUNNING", "-o", "%N").strip()):
        assert time.monotonic() < give_up
        time.sleep(0.2)
    time.sleep(1)
    return found


def test_an_engine_that_does_not_answer_is_told_before_anything_is_written(
    engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    if engine_name == "slurm":
        dead = re.sub(r"(?m)^SlurmctldPort=.*", "SlurmctldPort=1", Path(os.environ["SLURM_CONF"]).read_text())
        (tmp_path / "slurm.conf").write_text(dead)
        monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    else:
        monkeypatch.setenv("SGE_ROOT", str(tmp_path / "nowhere"))
    with pytest.raises(EvaluationError, match=f"{engine_name}: it does not answer"):
        open_executor(site_of(engine_name), shared=results)
    assert not results.exists()


def test_the_batch_part_names_what_its_engine_s_commands_need(engine_name: str) -> None:
    batch: Batch = site_of(engine_name).batch
    assert set(batch.env) <= set(os.environ), "the fixture sets the same"
