"""What the machine is: only what bears on the measurements, and nothing that names a person or a host."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from evaluation.store import HostFacts

__all__ = ["cpu_pressure", "host_facts"]


def host_facts() -> HostFacts:
    """Read the machine's facts from ``/proc``, ``/sys`` and ``/etc/os-release``; unknown ones say so."""
    cpuinfo = _table("/proc/cpuinfo")
    flags = cpuinfo.get("flags", "").split()
    return HostFacts(
        system=_table("/etc/os-release", "=").get("PRETTY_NAME", "unknown").strip('"'),
        kernel=platform.release(),
        architecture=platform.machine(),
        cpu=cpuinfo.get("model name", "unknown"),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=int(_table("/proc/meminfo").get("MemTotal", "0 kB").split()[0]) * 1024,
        cgroup=_cgroup(),
        virtualisation="virtual machine" if "hypervisor" in flags else "none seen",
        mitigations=_mitigations(),
        lsm=_text("/sys/kernel/security/lsm") or "unknown",
    )


def cpu_pressure() -> float | None:
    """For which share of the last 10 s some task was ready to run and waited for a CPU; ``None`` if not told.

    Source: Documentation/accounting/psi.rst of the Linux kernel (4.20 and later, where it is built in).
    """
    _, _, figures = _text("/proc/pressure/cpu").partition("some avg10=")
    try:
        return float(figures.split()[0]) / 100
    except (IndexError, ValueError):
        return None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""


def _table(path: str, separator: str = ":") -> dict[str, str]:
    rows = (line.partition(separator) for line in _text(path).splitlines() if separator in line)
    return {key.strip(): value.strip() for key, _, value in rows}


def _cgroup() -> str:
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    legacy = Path("/sys/fs/cgroup/memory").is_dir()
    hybrid = Path("/sys/fs/cgroup/unified/cgroup.controllers").exists()
    if unified:
        return "v2"
    return "v1 with an empty v2 tree" if legacy and hybrid else "v1" if legacy else "unknown"


def _mitigations() -> str:
    folder = Path("/sys/devices/system/cpu/vulnerabilities")
    found = sorted(folder.glob("*")) if folder.is_dir() else []
    told = [f"{path.name}: {_text(str(path))}" for path in found]
    return "; ".join(line for line in told if not line.endswith("Not affected")) or "unknown"
