import os
from pathlib import Path

import pytest

from evaluation.probes.controlgroups import cpu_of_processes_s, memory_peak_bytes

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


def test_cpu_time_is_summed_over_all_processes_of_the_names(tmp_path: Path) -> None:
    for pid, name, ticks in (
        (1, "dockerd", (10, 20, 30, 40)),
        (2, "my (odd) name", (1, 0, 0, 0)),
        (3, "x", (9,) * 4),
    ):
        (tmp_path / str(pid)).mkdir()
        fields = ["S", *["0"] * 10, *map(str, ticks), "0", "0"]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")
    second = os.sysconf("SC_CLK_TCK")
    assert cpu_of_processes_s(("dockerd", "my (odd) name"), tmp_path) == 101 / second
    assert cpu_of_processes_s(("containerd",), tmp_path) is None
    assert cpu_of_processes_s((), tmp_path) is None
