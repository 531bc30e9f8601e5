"""What is to be done about a container outside of its job's control group names how it came there."""

from __future__ import annotations

import pytest

from evaluation.probes.registry import discover

OUTSIDE = [
    "job_memory_limit", "job_cpu_accounting", "job_process_limit",
    "batch_memory_limit", "batch_cpu_accounting", "batch_memory_accounting",
]  # fmt: skip


@pytest.mark.parametrize("probe", OUTSIDE)
def test_mechanism_and_ways_out_are_named(probe: str) -> None:
    remedy = discover()[probe].remedy
    for words in ("asks systemd for a scope of its own", "--cgroups=disabled", "--cgroup-manager cgroupfs"):
        assert words in remedy


@pytest.mark.parametrize("probe", OUTSIDE)
def test_podman_s_own_manager_is_no_way_out_beside_systemd(probe: str) -> None:
    """Seen in jobs of Slurm 24.11 (the world vm): its client asks systemd for a scope first."""
    remedy = discover()[probe].remedy
    assert "--cgroup-manager cgroupfs on a machine without systemd" in remedy
    assert "podman-PID.scope" in remedy


def test_nowhere_is_a_jobs_group_as_parent_advised_without_its_condition() -> None:
    advised = {id_: probe.remedy for id_, probe in discover().items() if "--cgroup-parent" in probe.remedy}
    assert {*OUTSIDE} <= {*advised}
    assert [id_ for id_, remedy in advised.items() if "with the cgroupfs driver only" not in remedy] == []
    assert "with the cgroupfs driver only" in discover()["batch_job_cgroup"].remedy
