import os
from pathlib import Path

import pytest

from evaluation.probes.controlgroups import cpu_of_processes_s, cpu_used_s, memory_peak_bytes

V1 = "4:memory:/docker/abc\n1:name=systemd:/\n"
V2 = "0::/system.slice/docker-abc.scope\n"


def made_up(tmp_path: Path, groups: dict[int, str]) -> Path:
    for pid, text in groups.items():
        (tmp_path / "proc" / str(pid)).mkdir(parents=True)
        (tmp_path / "proc" / str(pid) / "cgroup").write_text(text)
    return tmp_path / "proc"


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        (V1, "memory/docker/abc/memory.max_usage_in_bytes"),
        (V2, "system.slice/docker-abc.scope/memory.peak"),
    ],
)
def test_the_peak_of_a_group_of_its_own(tmp_path: Path, text: str, peak: str) -> None:
    processes = made_up(tmp_path, {7: text, 8: "4:memory:/\n0::/session\n"})
    file = tmp_path / "groups" / peak
    file.parent.mkdir(parents=True)
    file.write_text("12345\n")
    assert memory_peak_bytes(7, unlike=8, processes=processes, groups=tmp_path / "groups") == 12345
    file.unlink()
    assert memory_peak_bytes(7, unlike=8, processes=processes, groups=tmp_path / "groups") is None


def test_a_group_that_is_ours_too_is_no_containers(tmp_path: Path) -> None:
    processes = made_up(tmp_path, {7: V1, 8: V1})
    file = tmp_path / "memory/docker/abc/memory.max_usage_in_bytes"
    file.parent.mkdir(parents=True)
    file.write_text("12345\n")
    assert memory_peak_bytes(7, unlike=8, processes=processes, groups=tmp_path) is None
    assert memory_peak_bytes(9, unlike=8, processes=processes, groups=tmp_path) is None, "it has ended"


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
