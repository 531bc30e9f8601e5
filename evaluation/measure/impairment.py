"""Whether a runtime runs here in a way that no centre would run it: its figures then mislead.

An engine that copies the whole image at every start, a debug build, a program that is emulated, an engine in
a virtual machine, a store on a full disk: all of them run, and none says anything of the runtime as a centre
would have it. What is found is said by doctor, in the manifest and on the report's first page, and such a
runtime is timed and ranked only where it was asked for by name.
"""

from __future__ import annotations

import json
import os
import platform
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from evaluation.measure.launcher import Launcher
from evaluation.runtimes.base import Runtime
from evaluation.units import quantity

__all__ = ["engine_told", "full", "impairment"]

_ANSWER_S: Final = 30.0
_LEAST_BYTES: Final = 2**30
"""With less room than this no image of the ladder fits: the disk counts as full."""

_COPYING: Final = {"docker": ("vfs", "native"), "podman": ("vfs",)}
"""Storage drivers without layers: each start copies the whole image (containers-storage.conf(5))."""

_NOT_A_RELEASE: Final = re.compile(r"(?i)\b(?:debug|dirty|dev|asan|tsan|race)\b")
_MACHINES: Final[Mapping[str, tuple[int, ...]]] = {
    "x86_64": (62, 3),
    "aarch64": (183, 40),
    "ppc64le": (21,),
    "s390x": (22,),
    "riscv64": (243,),
}
"""``e_machine`` of the programs that a machine runs itself (elf(5)); the second is its 32-bit kind."""

_SPELLINGS: Final = {"amd64": "x86_64", "arm64": "aarch64"}


def impairment(runtime: Runtime, version: str, launcher: Launcher) -> str:
    """Say in what ways a runtime runs as no centre would have it; empty where there is none.

    The engine is asked as the measuring user, with the environment that is measured with. A question without
    an answer says nothing.
    """
    engine = engine_told(runtime, launcher)
    found = (
        _debug(version, engine),
        _emulated(launcher.find(runtime.command), engine),
        _elsewhere(engine),
        _copying(runtime, engine),
        full(_store(engine) or launcher.user.cache),
    )
    return "; ".join(filter(None, found))


def engine_told(runtime: Runtime, launcher: Launcher) -> Mapping[str, Any]:
    """Give what the engine says of itself; nothing for a runtime without one."""
    words = {"docker": ("info", "--format", "{{json .}}"), "podman": ("info", "--format", "json")}
    if runtime.dialect not in words:
        return {}
    argv = (runtime.command, *runtime.engine_options, *words[runtime.dialect])
    done = launcher.ask(argv, timeout_s=_ANSWER_S)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _told(engine: Mapping[str, Any], docker: str, section: str, podman: str) -> str:
    """Look a word up as Docker names it, or as Podman does."""
    inner = engine.get(section)
    value = engine.get(docker) or (inner.get(podman) if isinstance(inner, dict) else None)
    return value if isinstance(value, str) else ""


def _store(engine: Mapping[str, Any]) -> Path | None:
    told = _told(engine, "DockerRootDir", "store", "graphRoot")
    return Path(told) if told else None


def _debug(version: str, engine: Mapping[str, Any]) -> str:
    if _NOT_A_RELEASE.search(version):
        return f"it is a debug or development build ({version})"
    return "its daemon runs in debug mode" if engine.get("Debug") is True else ""


def _emulated(program: str | None, engine: Mapping[str, Any]) -> str:
    here = platform.machine()
    told = _told(engine, "Architecture", "host", "arch")
    if told and _SPELLINGS.get(told, told) != here:
        return f"its engine is built for {told}, and this machine is {here}"
    kind = _machine_of(Path(program)) if program else None
    if kind is None or kind in _MACHINES.get(here, (kind,)):
        return ""
    built = next((name for name, kinds in _MACHINES.items() if kind in kinds), f"ELF machine {kind}")
    return f"its program is built for {built} and is emulated on this machine ({here})"


def _machine_of(program: Path) -> int | None:
    """Read ``e_machine`` of a program; ``None`` for a script, or what cannot be read."""
    try:
        with program.open("rb") as stream:
            head = stream.read(20)
    except OSError:
        return None
    if len(head) < 20 or head[:4] != b"\x7fELF":
        return None
    kind: int = struct.unpack("<H" if head[5] == 1 else ">H", head[18:20])[0]
    return kind


def _elsewhere(engine: Mapping[str, Any]) -> str:
    told, here = _told(engine, "KernelVersion", "host", "kernel"), platform.release()
    if not told or told == here:
        return ""
    return f"its engine runs in a virtual machine or on another one (kernel {told}, here {here})"


def _copying(runtime: Runtime, engine: Mapping[str, Any]) -> str:
    driver = _told(engine, "Driver", "store", "graphDriverName")
    if driver not in _COPYING.get(runtime.dialect, ()):
        return ""
    return f"its storage driver is {driver}, which copies the whole image at every start"


def full(store: Path) -> str:
    """Look at the disk of a store, or of the nearest folder above it that can be asked."""
    for folder in (store, *store.parents):
        try:
            disk = os.statvfs(folder)
        except OSError:
            continue
        free = disk.f_bavail * disk.f_frsize
        if free < _LEAST_BYTES:
            return f"the disk of its store is full: {quantity(free, 'B')} left"
        return "the disk of its store has no inodes left" if disk.f_files and not disk.f_favail else ""
    return ""
