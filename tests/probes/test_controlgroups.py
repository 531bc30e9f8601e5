import os
from pathlib import Path

import pytest

from evaluation.probes.controlgroups import cpu_of_processes_s, cpu_used_s, groups_in, memory_peak_bytes

V1 = "4:memory:/docker/abc\n1:name=systemd:/\n"
V2 = "0::/system.slice/docker-abc.scope\n"


def made_up(tmp_path: Path, groups: dict[int, str]) -> Path:
    for pid, text in groups.items():
        (tmp_path / "proc" / str(pid)).mkdir(parents=True)
        (tmp_path / "proc" / str(pid) / "cgroup").write_text(text)
    return tmp_path / "proc"


def mounted(tmp_path: Path) -> Path:
    """A table of mounts: version 1 beside version 2, or version 2 alone, where no distribution has them."""
    table = tmp_path / "mounts"
    table.write_text(
        "proc /proc proc rw 0 0\n"
        f"cgroup {tmp_path}/one/memory cgroup rw,relatime,memory 0 0\n"
        f"cgroup {tmp_path}/one/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
        f"cgroup {tmp_path}/one/systemd cgroup rw,name=systemd 0 0\n"
        f"cgroup2 {tmp_path}/two cgroup2 rw,nsdelegate 0 0\n"
    )
    return table


def test_a_group_is_found_where_its_hierarchy_is_mounted(tmp_path: Path) -> None:
    told = "node=n1\n9:cpuacct,cpu:/job\n8:pids:/job\n1:name=systemd:/a:b\n0::/system.slice/x.scope\n"
    assert [(group.path, group.folder) for group in groups_in(told, mounted(tmp_path))] == [
        ("/job", tmp_path / "one/cpu,cpuacct/job"),
        ("/a:b", tmp_path / "one/systemd/a:b"),
        ("/system.slice/x.scope", tmp_path / "two/system.slice/x.scope"),
    ]


def test_the_groups_of_this_very_process_are_found() -> None:
    told = Path("/proc/self/cgroup").read_text()
    found = groups_in(told)
    if not found:
        pytest.skip("no hierarchy is mounted here")
    ours = [group for group in found if group.folder.is_dir()]
    assert not ours or any(
        str(os.getpid()) in (group.folder / "cgroup.procs").read_text().split() for group in ours
    )


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        (V1, "one/memory/docker/abc/memory.max_usage_in_bytes"),
        (V2, "two/system.slice/docker-abc.scope/memory.peak"),
    ],
)
def test_the_peak_of_a_group_of_its_own(tmp_path: Path, text: str, peak: str) -> None:
    processes = made_up(tmp_path, {7: text, 8: "4:memory:/\n0::/session\n"})
    file, mounts = tmp_path / peak, mounted(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_text("12345\n")
    assert memory_peak_bytes(7, unlike=8, processes=processes, mounts=mounts) == 12345
    file.unlink()
    assert memory_peak_bytes(7, unlike=8, processes=processes, mounts=mounts) is None


def test_a_group_that_is_ours_too_is_no_containers(tmp_path: Path) -> None:
    processes, mounts = made_up(tmp_path, {7: V1, 8: V1}), mounted(tmp_path)
    file = tmp_path / "one/memory/docker/abc/memory.max_usage_in_bytes"
    file.parent.mkdir(parents=True)
    file.write_text("12345\n")
    assert memory_peak_bytes(7, unlike=8, processes=processes, mounts=mounts) is None
    assert memory_peak_bytes(9, unlike=8, processes=processes, mounts=mounts) is None, "it has ended"


def with_daemons(processes: Path, *, options: str = "rw") -> None:
    """Two daemons and somebody else, in a proc that is mounted with these options."""
    (processes / "self").mkdir()
    (processes / "self" / "mounts").write_text(f"proc {processes} proc {options} 0 0\n")
    for pid, name, ticks in (
        (1, "dockerd", (10, 20, 30, 40)),
        (2, "my (odd) name", (1, 0, 0, 0)),
        (3, "x", (9,) * 4),
    ):
        (processes / str(pid)).mkdir()
        fields = ["S", *["0"] * 10, *map(str, ticks), "0", "0"]
        (processes / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")


def test_cpu_time_is_summed_over_all_processes_of_the_names(tmp_path: Path) -> None:
    with_daemons(tmp_path)
    second = os.sysconf("SC_CLK_TCK")
    assert cpu_of_processes_s(("dockerd", "my (odd) name"), tmp_path) == 101 / second
    assert cpu_of_processes_s(("containerd",), tmp_path) is None
    assert cpu_of_processes_s((), tmp_path) is None


def test_where_processes_are_hidden_those_that_are_seen_are_not_taken_for_all(tmp_path: Path) -> None:
    """A user's own daemon is seen, root's of the same name is not."""
    with_daemons(tmp_path, options="rw,hidepid=2")
    (tmp_path / "1" / "stat").unlink()
    assert cpu_of_processes_s(("my (odd) name",), tmp_path) is None


@pytest.mark.parametrize(
    ("before", "after", "used"),
    [(1.0, 1.5, 0.5), (1.0, 1.0, 0.0), (None, 1.0, None), (1.0, None, None), (5.0, 0.1, None)],
)
def test_what_was_not_seen_twice_is_no_figure(
    before: float | None, after: float | None, used: float | None
) -> None:
    assert cpu_used_s(before, after) == used
