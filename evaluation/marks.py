"""Whose something is that may outlive its process: a mark of its host, its boot, the process and its start.

A lock would tell too, but reaches neither other hosts nor every file system. A mark stands in a name, or in a
file, from the first moment on. Whoever comes next removes what is abandoned for certain, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["abandoned", "mark"]

_MACHINE: Final = Path("/etc/machine-id")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESSES: Final = Path("/proc/self/ns/pid")
_FORM: Final = re.compile(r"([0-9a-f]{6})\.([0-9a-f]{6})\.([0-9a-f]{4})\.(\d{1,7})\.(\d{1,18})")
"""No process has a longer number, proc_sys_kernel(5): ``pid_max``."""


def mark() -> str:
    """Give this process's mark: ``HOST.BOOT.NAMESPACE.PID.BEGAN``, the first three as digests."""
    return ".".join((*_here(), str(os.getpid()), str(_began(os.getpid()) or 0)))


def abandoned(text: str) -> bool:
    """Whether a mark's process is gone for certain.

    Of another host nothing is known, nor of another process namespace of this boot, nor of what is no mark.
    Of an earlier boot of this host nothing can be left that runs.

    References
    ----------
    proc_pid_stat(5), field 22: with its start, a process's number is not another's later.
    """
    told = _FORM.fullmatch(text)
    host, boot, namespace = _here()
    if told is None or told[1] != host:
        return False
    if told[2] != boot:
        return True
    return told[3] == namespace and not _is_there(int(told[4]), int(told[5]))


def _here() -> tuple[str, str, str]:
    machine = _MACHINE.read_text().strip() if _MACHINE.is_file() else ""
    return (
        _digest(f"{socket.gethostname()}\0{machine}", 6),
        _digest(_BOOT.read_text().strip(), 6),
        _digest(str(_PROCESSES.readlink()), 4),
    )


def _is_there(pid: int, began: int) -> bool:
    """Whether a process is there, or may be: a signal finds one too that is hidden from us."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    now = _began(pid)
    return now is None or now == began


def _began(pid: int) -> int | None:
    """Give a process's start in clock ticks; ``None`` where it is not to be read."""
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
    return None


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
