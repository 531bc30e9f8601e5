"""Build the payload: static programs from our own C, and the Python that an image runs.

Static, because an image may be empty or as old as RHEL 5; from source, because what runs on a site's
machines is what its engineers can read.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.reasons import reason_in

__all__ = [
    "HELPER",
    "IMPORT_FRESH",
    "IMPORT_STORM",
    "LEGACY_32BIT",
    "MPI_PINGPONG",
    "PLUGIN_LOAD",
    "PROBE",
    "QT_OFFSCREEN",
    "SCRIPTS",
    "PayloadBuildError",
    "Run",
    "build",
    "compiler_here",
    "note_sources",
    "take_prebuilt",
]

PROBE = "probe"
"""The payload's program, in the payload directory."""
HELPER = "helper"
"""The setuid canary's program, in the payload directory (there without its setuid bit)."""
LEGACY_32BIT = "legacy32"
"""A program for 32-bit x86; there only where the compiler can make one."""
IMPORT_STORM = "import_storm.py"
IMPORT_FRESH = "import_fresh.py"
MPI_PINGPONG = "mpi_pingpong.py"
PLUGIN_LOAD = "plugin_load.py"
QT_OFFSCREEN = "qt_offscreen.py"
SCRIPTS = (IMPORT_FRESH, IMPORT_STORM, MPI_PINGPONG, "mpi_pingpong.c", PLUGIN_LOAD, QT_OFFSCREEN)
"""What the Python inside runs, and a source that it builds there."""

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command and returns its exit status and its output (law 9: one module starts processes)."""

_SOURCES = {
    PROBE: (
        "probe.c",
        "bench.c",
        "rates.c",
        "memory.c",
        "transfer.c",
        "legacy.c",
        "files.c",
        "digest.c",
        "attempts_kernel.c",
        "attempts_isolation.c",
        "attempts.c",
        "visit.c",
        "attempts_privilege.c",
        "attempts_mounts.c",
        "attempts_devices.c",
        "batch.c",
        "terminal.c",
        "stamp.c",
    ),
    HELPER: ("helper.c",),
}
_COMPILERS = ("cc", "gcc", "clang")
_FLAGS = ("-std=gnu99", "-O2", "-static", "-Wall", "-Wextra")
_FLAGS_32BIT = ("-m32", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O2")
_INSTALL = "install one: apt-get install gcc libc6-dev, or dnf install gcc glibc-static"


_NO_LIBRARY = re.compile(r"cannot find -l|unable to find library -l|library not found")
"""What linkers say where a static library is not installed."""


def compiler_here() -> str | None:
    """Find the C compiler that the payload is built with: ours, for we build it, whoever measures."""
    return next(filter(None, map(shutil.which, _COMPILERS)), None)


_NOTE = "sources.sha256"
"""The digest of what a prebuilt payload was built from, beside it."""


class PayloadBuildError(EvaluationError):
    """The payload could not be built here."""


def build(directory: Path, run: Run, *, compiler: str | None = None) -> Path:
    """Compile the payload into a directory, readable and executable for everybody.

    Parameters
    ----------
    directory : Path
        Made when missing. What is in it under the payload's names is replaced.
    run : callable
        Starts the compiler; see `Run`.
    compiler : str, optional
        The compiler's command; by default the first of ``cc``, ``gcc`` and ``clang`` on ``PATH``.

    Returns
    -------
    Path
        The directory, which is what a session binds as its payload.

    Raises
    ------
    PayloadBuildError
        There is no C compiler, or it fails (most often: no static C library is installed).
    """
    source = Path(__file__).parent
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    for script in SCRIPTS:  # first: without a compiler they are what is left
        shutil.copyfile(source / script, directory / script)
        (directory / script).chmod(0o644)
    compiler = compiler or compiler_here()
    if compiler is None:
        message = f"there is no C compiler ({', '.join(_COMPILERS)})"
        raise PayloadBuildError(message, where="payload", advice=_INSTALL)
    for name, files in _SOURCES.items():
        target = directory / name
        status, output = run((compiler, *_FLAGS, "-o", str(target), *(str(source / file) for file in files)))
        if status != 0:
            reason = reason_in(output) or f"exit status {status}, without a word"
            message = f"{compiler} could not build {name}: {reason}"
            advice = f"It misses a static library: {_INSTALL}" if _NO_LIBRARY.search(output) else ""
            raise PayloadBuildError(message, where="payload", advice=advice)
        target.chmod(0o755)
    old = directory / LEGACY_32BIT
    status, _ = run((compiler, *_FLAGS_32BIT, "-o", str(old), str(source / "legacy32.c")))
    if status == 0:
        old.chmod(0o755)
    return directory


def note_sources(directory: Path) -> None:
    """Note beside a payload what it was built from, for `take_prebuilt`."""
    (directory / _NOTE).write_text(f"{_sources()}\n")


def take_prebuilt(prebuilt: Path, directory: Path) -> bool:
    """Copy a payload that was built elsewhere; only if it was built from the very sources that are here."""
    try:
        if (prebuilt / _NOTE).read_text().strip() != _sources():
            return False
    except FileNotFoundError:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)
    for path in (path for path in prebuilt.iterdir() if path.name != _NOTE):
        shutil.copyfile(path, directory / path.name)
        (directory / path.name).chmod(0o644 if path.name in SCRIPTS else 0o755)
    return True


def _sources() -> str:
    """SHA-256 over all that decides about the payload: its sources, its scripts and how it is compiled."""
    source = Path(__file__).parent
    digest = hashlib.sha256(repr((_SOURCES, _FLAGS, _FLAGS_32BIT)).encode())
    for path in sorted(
        path for path in source.iterdir() if path.suffix in {".c", ".h"} or path.name in SCRIPTS
    ):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()
