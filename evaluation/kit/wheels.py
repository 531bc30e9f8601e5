"""The Python packages that the project runs on: found from its own metadata, pinned by requirements.lock."""

from __future__ import annotations

import re
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import BytesHeaderParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evaluation.errors import EvaluationError

__all__ = ["describe", "pins", "placed"]

_PYTHON = {"python_version": "3.11", "python_full_version": "3.11.2"}
"""The kit's Python, whatever the Python is that makes the kit."""
_PACKAGES = "lib/python3/dist-packages"
"""Where Debian's Python looks for packages, below its prefix."""

_BY_NEIGHBOUR = """\
#!/bin/sh
'''exec' "${0%/*}/python3" "$0" "$@"
' '''
"""
"""The first lines of a Python script that has the interpreter beside it run it, wherever both are."""


def pins(project: Path, machine: str = "x86_64") -> tuple[str, ...]:
    """Give the lines of requirements.lock that are needed to run the project; developers' tools are none.

    Parameters
    ----------
    machine : str
        The kind of machine that the kit is for, as ``uname -m`` names it.

    Raises
    ------
    EvaluationError
        This environment lacks a package, or the lock does: run ``make setup``.
    """
    text = (project / "requirements.lock").read_text(encoding="utf-8")
    locked: dict[str, str] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", text):
        if found := re.match(r"([A-Za-z0-9._-]+)==", block):
            locked[canonicalize_name(found[1])] = re.sub(r"\s*\\\n\s*|\n\s*#.*", " ", block).strip()
    needed = _needed(
        tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"], machine
    )
    if missing := sorted(needed - set(locked)):
        raise EvaluationError(f"not in requirements.lock: {', '.join(missing)}", where="kit")
    return tuple(locked[name] for name in sorted(needed))


def _needed(dependencies: list[str], machine: str) -> set[str]:
    """Follow what packages say that they need, here where all of them are installed."""
    waiting = [each for each in map(Requirement, dependencies) if _holds(each, {""}, machine)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        key = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            requires = distribution(wanted.name).requires or []
        except PackageNotFoundError:
            raise EvaluationError(
                f"{wanted.name} is not installed", where="kit", advice="Run 'make setup' first."
            ) from None
        extras = wanted.extras or {""}
        waiting += [each for each in map(Requirement, requires) if _holds(each, extras, machine)]
    return {name for name, _ in seen}


def _holds(wanted: Requirement, extras: set[str], machine: str) -> bool:
    """Whether a package's need is one for the kit's Python, with these of the package's extras."""
    kit = {**_PYTHON, "platform_machine": machine}
    marker = wanted.marker
    return not marker or any(marker.evaluate({**kit, "extra": extra}) for extra in extras)


def describe(wheel: Path) -> tuple[str, str, str]:
    """Read a wheel's name, version and licence from its own metadata; no licence is an empty text."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (
            name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)
        )
        told = BytesHeaderParser().parsebytes(archive.read(metadata))
    classified = [
        each.rpartition(" :: ")[2]
        for each in told.get_all("Classifier", [])
        if each.startswith("License :: ") and each != "License :: OSI Approved"
    ]
    named = str(told.get("License-Expression") or "") or ", ".join(classified)
    first, _, rest = str(told.get("License") or "").strip().partition("\n")
    return str(told["Name"]), str(told["Version"]), named or ("" if rest else first)


def placed(wheel: Path) -> Iterator[tuple[str, bytes, bool]]:
    """Give each file of a wheel: path below Python's prefix, content, whether it is a program (PEP 427)."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top, _, rest = name.partition("/")
            kind, _, inner = rest.partition("/")
            if name.endswith("/"):
                continue
            if not top.endswith(".data"):
                yield f"{_PACKAGES}/{name}", archive.read(name), False
            elif kind in {"purelib", "platlib"}:
                yield f"{_PACKAGES}/{inner}", archive.read(name), False
            elif kind == "data":
                yield inner, archive.read(name), False
            elif kind == "scripts":
                first, _, body = archive.read(name).partition(b"\n")
                if first.startswith(b"#!python"):
                    yield f"bin/{inner}", _BY_NEIGHBOUR.encode() + body, True
