"""Debian's packages as files of the kit: fetched by apt, unpacked as they are, nothing set up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from evaluation.images.build import mirror
from evaluation.images.process import Run, must

__all__ = ["SUITE", "Deb", "Unpacked", "fetch_debs", "licences"]

SUITE = "bookworm"
"""The release: its C library (2.36) runs on every kernel since 3.2."""

_DOC = "usr/share/doc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deb:
    """One package as it was fetched."""

    name: str
    version: str
    sha256: str
    path: Path

    def unpack(self, run: Run) -> Unpacked:
        """Read what is in it.

        A link within its own folder is given as a file with the content of what it points to. A library that
        such a link points to is left out: nothing asks for it by that name.
        """
        folder = self.path.with_suffix("")
        must(run, ("dpkg-deb", "--extract", str(self.path), str(folder)))
        paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
        links = {
            name: path.with_name(str(path.readlink())).relative_to(folder).as_posix()
            for name, path in paths.items()
            if path.is_symlink() and path.readlink().name == str(path.readlink())
        }
        files = {}
        for name in paths:
            real = paths.get(links.get(name, name))
            behind_link = ".so." in name and name in links.values()
            if real and real.is_file() and not real.is_symlink() and not behind_link:
                files[name] = real.read_bytes()
        return Unpacked(files=files, documented=links.get(f"{_DOC}/{self.name}", f"{_DOC}/{self.name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The files of a package, by path without the first slash."""

    files: dict[str, bytes]
    documented: str
    """The folder with its copyright file; several packages of one source share that of one of them."""


def licences(copyright_file: str) -> str:
    """Name the licences that a package's copyright file names; empty where it is prose.

    References
    ----------
    Debian's machine-readable copyright file, version 1.0 (``License:`` of each ``Files:`` paragraph).
    """
    named = re.findall(r"^License: *(\S.*)$", copyright_file, re.MULTILINE)
    is_list = copyright_file.startswith("Format:")
    return ", ".join(sorted(set(named))) if is_list else ""


def fetch_debs(packages: Sequence[str], folder: Path, run: Run, machine: str) -> tuple[Deb, ...]:
    """Fetch packages and all that they depend on; apt holds each against its signed index.

    Parameters
    ----------
    machine : str
        The kind of machine that they are for, as Debian names it.

    Raises
    ------
    EvaluationError
        mmdebstrap is missing, or a package cannot be had.
    """
    kept = f'--extract-hook=cp "$1"/var/cache/apt/archives/*.deb {folder}/'
    must(
        run,
        (
            "mmdebstrap", "--quiet", "--variant=extract", "--format=null", f"--architectures={machine}", kept,
            f"--include={','.join(packages)}", SUITE, "/dev/null", "-",
        ),
        stdin=f"deb {mirror(run)} {SUITE} main\n".encode(),
    )  # fmt: skip
    return tuple(_named(sorted(folder.glob("*.deb"))))


def _named(paths: Iterable[Path]) -> Iterator[Deb]:
    for path in paths:
        name, version, _ = path.stem.split("_")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield Deb(name=name, version=unquote(version), sha256=digest, path=path)
