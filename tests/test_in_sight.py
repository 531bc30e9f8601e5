"""Where a host has nothing that an attempt could be shown on is found out before it is asked."""

from __future__ import annotations

from pathlib import Path

from in_sight import release_agents

LINE = "36 25 0:31 {root} {place} rw,nosuid shared:9 - {kind} {kind} rw,memory\n"


def test_only_a_mounted_hierarchy_of_version_1_with_a_release_agent_counts(tmp_path: Path) -> None:
    for name in ("one", "namespaced", "two"):
        (tmp_path / name).mkdir()
    for name in ("one", "two"):
        (tmp_path / name / "release_agent").touch()
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        LINE.format(root="/", place=tmp_path / "one", kind="cgroup")
        + LINE.format(root="/job", place=tmp_path / "namespaced", kind="cgroup")
        + LINE.format(root="/", place=tmp_path / "two", kind="cgroup2")
    )
    assert release_agents(mounts) == [tmp_path / "one" / "release_agent"]
