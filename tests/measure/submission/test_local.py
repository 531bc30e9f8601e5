"""Locally work is done by threads: no daemon, no port, and a failure is the failure."""

from __future__ import annotations

import math
import os
import subprocess
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.marks import mark
from evaluation.measure.environment import worker_init_failure
from evaluation.measure.launcher_main import children_of
from evaluation.measure.submission import open_executor, require_reach
from evaluation.measure.submission.folder import SubmissionFolder, abandoned
from evaluation.measure.submission.job import batch_facts, current_job
from evaluation.measure.submission.job_script import directives, preamble
from evaluation.measure.submission.remote import goes_to_a_node
from evaluation.measure.user import ourselves
from evaluation.scratch import remove_tree
from evaluation.sites import Site, load_site

ROOT = Path(__file__).parents[3]
LOCAL = load_site("local", ROOT / "sites")
SLURM = load_site("slurm-test", ROOT / "sites")
GRID = load_site("gridengine-test", ROOT / "sites")


def test_it_starts_no_process_opens_no_socket_and_writes_nothing(tmp_path: Path) -> None:
    before = children_of(os.getpid())
    with open_executor(LOCAL, shared=tmp_path, workers_per_node=4) as executor:
        asked = [executor.submit(math.sqrt, number) for number in (1, 4, 9)]
        assert [each.result(timeout=30) for each in asked] == [1, 2, 3]
        assert executor.jobs() == ()
        assert children_of(os.getpid()) == before
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_the_work_s_own(tmp_path: Path) -> None:
    with open_executor(LOCAL, shared=tmp_path) as executor:
        with pytest.raises(ValueError, match="math domain error"):
            executor.submit(math.sqrt, -1).result(timeout=30)
        output = tmp_path / "output"
        output.write_text("before\n")
        assert (
            executor.run(("sh", "-c", "echo out; echo err >&2; pwd; exit 7"), output).result(timeout=30) == 7
        )
    assert output.read_text().splitlines() == ["before", "out", "err", str(ROOT)]


@pytest.mark.parametrize(
    ("engine", "variables", "job"),
    [
        ("slurm", {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "n1"}, ("7", "n1")),
        ("slurm", {"SLURM_JOB_ID": "7"}, None),  # a shell that salloc gave on the submitting host
        ("gridengine", {"JOB_ID": "8", "SGE_JOB_SPOOL_DIR": "/x", "HOSTNAME": "wn3"}, ("8", "wn3")),
        ("gridengine", {"JOB_ID": "8"}, None),  # anybody's variable
        ("local", {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "n1"}, None),
    ],
)
def test_the_job_is_told_by_what_only_a_node_has(
    engine: str, variables: dict[str, str], job: tuple[str, str] | None
) -> None:
    found = current_job(engine, variables)
    assert (found and (found.id, found.node)) == job


def test_what_is_in_a_job_already_is_not_submitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURMD_NODENAME", "SGE_JOB_SPOOL_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert not goes_to_a_node(LOCAL.batch)
    assert goes_to_a_node(SLURM.batch)
    assert batch_facts(SLURM.batch) is None
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert not goes_to_a_node(SLURM.batch)
    assert goes_to_a_node(GRID.batch)
    facts = batch_facts(SLURM.batch)
    assert facts is not None
    assert (facts.engine, facts.submitted_by, facts.jobs[0].id) == ("slurm", "hand", "7")
    assert facts.remark == SLURM.batch.remark
    monkeypatch.setenv("EVALUATION_SUBMISSION", "20261123T090000Z-1a2b3c")
    again = batch_facts(SLURM.batch)
    assert again is not None
    assert again.submitted_by == "parsl"


def test_no_job_is_ever_started_twice_by_its_scheduler() -> None:
    assert directives(SLURM.batch)[-1:] == ("#SBATCH --no-requeue",)
    assert directives(GRID.batch)[-3:] == ("#$ -r n", "#$ -S /bin/bash", "#$ -notify")


def test_a_job_s_script_begins_with_the_site_s_lines_and_has_our_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_CONF", "/else where/slurm.conf")
    batch = SLURM.batch.model_copy(update={"worker_init": ("module load x",), "environment": "/opt/venv"})
    lines = preamble(batch, "an-id")
    first, isolated, path = (lines.index(line) for line in (
        "module load x", f". {ROOT}/setup/isolated.sh", "export PATH=/opt/venv/bin:$PATH"
    ))  # fmt: skip
    assert first < isolated < path
    exports = lines[path:]
    assert lines[isolated] == f". {ROOT}/setup/isolated.sh"
    assert "export SLURM_CONF='/else where/slurm.conf'" in exports
    assert "export EVALUATION_SUBMISSION=an-id" in exports
    assert f"export PYTHONPATH={ROOT}" in exports


def test_a_kit_s_job_has_the_kit_s_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALUATION_KIT", "/shared/my kit")
    lines = preamble(SLURM.batch, "an-id")
    at = lines.index("kit='/shared/my kit'")
    assert lines[at + 1] == ". '/shared/my kit/python/environment.sh'"
    assert not any("/setup/isolated.sh" in line for line in lines), "the kit's sources it itself"


FAILED = "the site's worker_init failed in this job: "
MODULE = """
module() {
    case "$2" in
        good) loaded=good ;;
        old) echo "ModuleCmd_Load.c(213):ERROR:105: Unable to locate a modulefile for 'old'" >&2 ;;
        *) echo "Lmod has detected the following error: no module $2" >&2; return 1 ;;
    esac
}
"""
"""A fake of the shell function that centres have; the second kind ends with success whatever happens."""


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("module load good",), ""),
        (
            ("module load good", "module load bad", "false"),
            f"{FAILED}module load bad, exit status 1: Lmod has detected the following error: no module bad",
        ),
        (
            ("module load old",),
            f"{FAILED}ModuleCmd_Load.c(213):ERROR:105: Unable to locate a modulefile for 'old'",
        ),
        (("echo a word >&2", "if false; then", "true", "fi"), ""),
    ],
)
def test_a_line_of_the_site_s_that_fails_in_a_job_is_told_by_the_work(
    lines: tuple[str, ...], told: str
) -> None:
    batch = SLURM.batch.model_copy(update={"worker_init": (MODULE, *lines)})
    script = "\n".join((*preamble(batch, "an-id"), "env -0", 'test -z "$loaded" || echo "kept=$loaded"'))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    env = dict(item.split("=", 1) for item in done.stdout.split("\0") if "=" in item)
    assert worker_init_failure(env) == told
    assert told.rpartition(": ")[2] in done.stderr  # it is shown as ever
    assert ("kept" in done.stdout) is ("module load good" in lines)


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_temporary_folder_that_is_not_on_the_node_costs_no_word(shell: str) -> None:
    """As where TMPDIR is the submit host's; a line of the site's may well put it right."""
    batch = SLURM.batch.model_copy(update={"worker_init": ("export TMPDIR=/tmp", "echo error: a word >&2")})
    script = "\n".join((*preamble(batch, "an-id"), "env -0"))
    env = {**os.environ, "TMPDIR": "/nonexistent"}
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True, env=env)
    assert done.stderr == "error: a word\n"
    seen = dict(item.split("=", 1) for item in done.stdout.split("\0") if "=" in item)
    assert worker_init_failure(seen) == f"{FAILED}error: a word"


def test_what_a_line_that_ends_the_script_said_is_not_lost() -> None:
    batch = SLURM.batch.model_copy(update={"worker_init": ("echo the reason >&2; exit 7",)})
    script = "\n".join(preamble(batch, "an-id"))
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "the reason\n")


def marked(pid: int, *, began: str = "") -> str:
    """The mark of a process of this host."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return f"{'.'.join(mark().split('.')[:3])}.{pid}.{began or stat[19]}"


def test_what_a_submitter_that_is_gone_has_left_is_ended_and_removed_once(tmp_path: Path) -> None:
    living = SubmissionFolder(tmp_path)
    gone = tmp_path / ".submissions" / "20261123T090000Z-1a2b3c"
    gone.mkdir()
    with subprocess.Popen(("sleep", "60")) as process:
        (gone / "owner").write_text(marked(process.pid))
        assert list(abandoned(tmp_path, print)) == [], "it lives"
        process.kill()
    elsewhere = gone.with_name("20261123T090000Z-4d5e6f")
    elsewhere.mkdir()
    (elsewhere / "owner").write_text(f"ffffff{marked(os.getpid(), began='1')[6:]}")

    def fail(_: str) -> None:
        message = "the scheduler does not answer"
        raise EvaluationError(message)

    with pytest.raises(EvaluationError):
        list(abandoned(tmp_path, fail))
    assert gone.is_dir(), "who comes next tries again"
    ended: list[str] = []
    assert list(abandoned(tmp_path, ended.append)) == ended == [gone.name]
    left = sorted(path.name for path in (tmp_path / ".submissions").iterdir())
    assert left == sorted([living.id, elsewhere.name]), "another host's jobs may be alive"
    remove_tree(elsewhere)
    living.close()
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_jobs_could_not_read_is_refused_before_anything_is_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def site(environment: str | None) -> Site:
        changed = SLURM.batch.model_copy(update={"environment": environment})
        return SLURM.model_copy(update={"batch": changed})

    require_reach(site(None).batch, ourselves())
    require_reach(site(str(tmp_path / "on-the-nodes")).batch, ourselves())  # only they can tell
    (tmp_path / "closed" / "bin").mkdir(parents=True)
    (tmp_path / "closed" / "bin" / "python").symlink_to(tmp_path / "not-to-be-read")
    with pytest.raises(EvaluationError, match="cannot read the Python environment"):
        require_reach(site(str(tmp_path / "closed")).batch, ourselves())
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr("evaluation.measure.submission.job_script.sys.prefix", str(tmp_path))
    with pytest.raises(EvaluationError) as caught:
        require_reach(site(None).batch, ourselves())
    assert "cannot read the Python environment" in caught.value.what
    assert "Nothing was submitted" in caught.value.advice


def test_a_results_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match="cannot be used for a submission"):
        SubmissionFolder(tmp_path / "file")
