"""Which programs the runtimes consist of here, which package each came from, and what its changelog mentions.

Versions alone give false alarms: a distribution carries fixes back and keeps the version. What it says of
that is in the changelog that it installs, and this is all that is recorded; nothing is judged here.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from evaluation.manifest import ProgramFacts
from evaluation.measure.launcher import Command, Launcher
from evaluation.runtimes import known_runtimes

__all__ = ["installed_programs"]

PROGRAMS: Final = MappingProxyType(
    dict(program for runtime in known_runtimes().values() for program in runtime.programs)
)
"""Per component its program: every adapter says what it consists of."""

_SYSTEM: Final = "/usr/sbin:/sbin:/usr/local/sbin"
_DOCUMENTS: Final = Path("/usr/share/doc")
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,7}")
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_MOST_BYTES: Final = 16 * 2**20
_ANSWER_S: Final = 30.0


def installed_programs(
    launcher: Launcher, documents: Path = _DOCUMENTS, *, named: Mapping[str, str] = MappingProxyType({})
) -> tuple[ProgramFacts, ...]:
    """Look for every program of `PROGRAMS` where the measuring user, or an engine of root's, finds it.

    ``named`` are components with the path under which they are measured here: a site names it, or the program
    has said which product it is.
    """
    path = f"{launcher.user.env.get('PATH', os.defpath)}:{_SYSTEM}"
    found = {component: shutil.which(name, path=path) for component, name in PROGRAMS.items()}
    known = {Path(program).resolve() for program in named.values()}
    found = {
        component: program
        for component, program in found.items()
        if program
        and Path(program).resolve() not in known
        and not (component == "singularity" and Path(program).resolve().name == "apptainer")
    }
    return tuple(
        _facts(component, Path(program), launcher, documents)
        for component, program in {**found, **named}.items()
        if program
    )


def _facts(component: str, path: Path, launcher: Launcher, documents: Path) -> ProgramFacts:
    real = path.resolve()
    for package, version in (*_debian(real, launcher), *_rpm(real, launcher)):
        changelog = _changelog(package, launcher, documents)
        return ProgramFacts(
            component=component,
            version=version,
            package=package,
            changelog_read=bool(changelog),
            mentioned=tuple(sorted(set(_CVE.findall(changelog)))),
        )
    printed = _ask(launcher, str(path), "--version")
    told = _VERSION.search(printed)
    return ProgramFacts(component=component, version=told[0] if told else "")


def _debian(real: Path, launcher: Launcher) -> Iterator[tuple[str, str]]:
    """Name the Debian package of a file, with its version; nothing where none has it."""
    # A package may name the file as it was before /bin became a link to /usr/bin.
    for path in (str(real), str(real).removeprefix("/usr")):
        packages, told, _ = _ask(launcher, "dpkg-query", "--search", path).partition(": ")
        if told and "," not in packages:
            version = _ask(launcher, "dpkg-query", "--show", "--showformat", "${Version}", packages)
            if version:
                yield packages.partition(":")[0], version
                return


def _rpm(real: Path, launcher: Launcher) -> Iterator[tuple[str, str]]:
    """Name the RPM package of a file, with its version; nothing where none has it."""
    form = "%{NAME}\t%{VERSION}-%{RELEASE}\n"
    lines = _ask(launcher, "rpm", "--query", "--queryformat", form, "--file", str(real)).splitlines()
    for line in lines[:1]:
        package, told, version = line.partition("\t")
        if told:
            yield package, version


def _changelog(package: str, launcher: Launcher, documents: Path) -> str:
    """Read a package's installed changelog; empty where there is none (slim systems leave it out)."""
    for name in ("changelog.Debian.gz", "changelog.gz"):
        try:
            with gzip.open(documents / package / name) as stream:
                return stream.read(_MOST_BYTES).decode("utf-8", "replace")
        except (OSError, EOFError):
            continue
    return _ask(launcher, "rpm", "--query", "--changelog", package)


def _ask(launcher: Launcher, *argv: str) -> str:
    done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)
    return done.stdout.decode("utf-8", "replace").strip() if done.ok else ""
