"""What the batch systems for tests are told, by Slurm's version; its programs here are fakes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[1] / "setup" / "engines"


def told(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the functions of the set-up, as an instance of its own."""
    head = (
        f". {SETUP} help >/dev/null; base={folder} slurm={folder}/slurm control_groups={folder}/groups\n"
        "marker=CONTAINER_EVALUATION_ENGINES=$base\n"
        f'PATH={folder}/bin:$PATH; mkdir -p "$slurm"\n'
    )
    return subprocess.run(
        ["bash", "-c", head + script], capture_output=True, text=True, check=False, timeout=60
    )


def program(folder: Path, name: str, script: str) -> None:
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / name).write_text(f"#!/bin/sh\n# A fake for a unit test.\n{script}\n")
    (folder / "bin" / name).chmod(0o755)


def settings(path: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if line)


@pytest.mark.parametrize(("version", "disabled"), [("22.05.8", False), ("23.11.0", True), ("24.11.5", True)])
def test_without_control_groups_a_newer_slurm_is_told_not_to_look_for_them(
    tmp_path: Path, version: str, *, disabled: bool
) -> None:
    program(tmp_path, "slurmd", f"echo slurm-wlm {version}")
    assert told(tmp_path, "configure_slurm cgroup/v1; configure_slurm linuxproc").returncode == 0
    path = tmp_path / "slurm" / "cgroup.conf"
    assert (path.exists() and settings(path)) == (disabled and {"CgroupPlugin": "disabled"})
    assert settings(tmp_path / "slurm" / "slurm.conf")["ProctrackType"] == "proctrack/linuxproc"


def test_with_control_groups_nothing_defunct_is_asked_for(tmp_path: Path) -> None:
    program(tmp_path, "slurmd", "echo slurm-wlm 24.11.5")
    assert told(tmp_path, "configure_slurm cgroup/v2").returncode == 0
    named = settings(tmp_path / "slurm" / "cgroup.conf")
    assert named == {
        "CgroupPlugin": "cgroup/v2",
        "ConstrainRAMSpace": "yes",
    }  # CgroupAutomount is gone in 24.05
    assert settings(tmp_path / "slurm" / "slurm.conf")["AccountingStorageType"].endswith("/slurmdbd")


SAID = (
    "[2026-11-30T14:26:23.002] error: mysql_query failed: 5027 Number of columns\n"
    "select @var := concat('');\n"
    "[2026-11-30T14:26:23.002] fatal: null result from query\n"
)


def test_without_its_books_slurm_runs_and_the_reason_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "said").write_text(SAID)
    program(tmp_path, "slurmd", "echo slurm-wlm 24.11.5")
    program(tmp_path, "slurmdbd", f"cp {tmp_path}/said {tmp_path}/slurm/slurmdbd.log; exit 1")
    program(tmp_path, "sacctmgr", "exit 1")
    played = "slurm_installed() { :; }; start_munge() { :; }; start_database() { :; }\n"
    played += (
        'start_slurmd() { configure_slurm "$1"; }; stop_slurm() { :; }; slurm_answers() { false; }\n'
        "tracking() { echo linuxproc; }\n"
    )
    done = told(tmp_path, f"{played}start_slurm")
    assert done.stdout.splitlines()[-1] == "slurm: started"
    assert (
        "going on without accounting: slurmdbd says: error: mysql_query failed: 5027 Number of columns;"
        "fatal: null result from query"
    ) in done.stderr
    told_to_slurm = settings(tmp_path / "slurm" / "slurm.conf")
    assert told_to_slurm["AccountingStorageType"] == "accounting_storage/none"
    assert "AccountingStorageHost" not in told_to_slurm


def test_these_tests_end_no_daemon_of_an_instance_in_use(tmp_path: Path) -> None:
    """One of them ended the slurmdbd that other tests were using."""
    shutil.copy("/bin/sleep", tmp_path / "slurmdbd")
    in_use = {"CONTAINER_EVALUATION_ENGINES": "/var/lib/container-evaluation/engines"}
    with subprocess.Popen([tmp_path / "slurmdbd", "60"], env=in_use) as daemon:
        assert told(tmp_path, "end_processes 10 $(daemons slurmdbd)").returncode == 0
        assert daemon.poll() is None
        daemon.kill()


def test_processes_of_jobs_are_found_in_either_version(tmp_path: Path) -> None:
    for number, group in enumerate(
        (
            "memory/slurm_n1/uid_0/job_7",
            "system.slice/n2_slurmstepd.scope/job_8/step_batch/user/task_0",
            "system.slice/p17010n1_slurmstepd.scope/job_9",  # another instance
            "memory/slurm_node1/uid_0/job_7",  # a site's own
        ),
        start=100,
    ):
        (tmp_path / "groups" / group).mkdir(parents=True)
        (tmp_path / "groups" / group / "cgroup.procs").write_text(f"{number}\n")
    assert told(tmp_path, "slurm_jobs").stdout.split() == ["100", "101"]
