"""The kit's folder while it is made: every file belongs to a part, which has a version and a licence."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evaluation.kit.verify import SUMS

__all__ = ["MANIFEST", "NAME", "Part", "Tree", "pack"]

NAME = "container-evaluation-kit"
"""The folder that the kit unpacks into."""
MANIFEST = "manifest.json"
_BYTECODE = "bytecode of the Python files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the kit is made of; ``sha256`` is that of the package it came as, empty where it came as none."""

    name: str
    version: str
    kind: str
    licence: str
    sha256: str = ""


class Tree:
    """Writes files with the permissions that everybody needs, and remembers whose they are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: dict[str, Part] = {}
        self._of: dict[str, str] = {}

    def add(self, part: Part, path: str, content: bytes, *, program: bool = False) -> None:
        """Write one file; where two packages have one, the later one's is kept, as pip does."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o755 if program else 0o644)
        self.note(part)
        self._of[path] = part.name

    def note(self, part: Part) -> None:
        """Name a part that has no file of its own, such as a package within an image."""
        self._parts[part.name] = part

    def seal(self, about: dict[str, str]) -> str:
        """Write the manifest and the list of digests; give the list's own SHA-256.

        What was made of the files here, Python's bytecode, is a part too.
        """
        made = Part(name=_BYTECODE, version="", kind="derived", licence="as the files it was made of")
        digests: dict[str, str] = {}
        files: dict[str, list[str]] = {}
        self.folder.chmod(0o755)
        for path in sorted(self.folder.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
                continue
            name = path.relative_to(self.folder).as_posix()
            if name not in self._of:
                self.note(made)
                path.chmod(0o644)
            digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            files.setdefault(self._of.get(name, made.name), []).append(name)
        parts = [
            {
                "name": part.name,
                "version": part.version,
                "kind": part.kind,
                "licence": part.licence,
                "package_sha256": part.sha256,
                "files": len(files.get(part.name, ())),
                "files_sha256": _together(files.get(part.name, ()), digests),
            }
            for part in sorted(self._parts.values(), key=lambda part: (part.kind, part.name))
        ]
        written = json.dumps({"format": 1, **about, "parts": parts}, indent=1, ensure_ascii=False) + "\n"
        (self.folder / MANIFEST).write_text(written, encoding="utf-8")
        (self.folder / MANIFEST).chmod(0o644)
        digests[MANIFEST] = hashlib.sha256(written.encode()).hexdigest()
        sums = _lines(sorted(digests), digests)
        (self.folder / SUMS).write_text(sums, encoding="utf-8")
        (self.folder / SUMS).chmod(0o644)
        return hashlib.sha256(sums.encode()).hexdigest()


def _lines(names: Iterable[str], digests: dict[str, str]) -> str:
    return "".join(f"{digests[name]}  {name}\n" for name in names)


def _together(names: Iterable[str], digests: dict[str, str]) -> str:
    """SHA-256 of the lines of these files in the list; empty where there is none."""
    lines = _lines(sorted(names), digests)
    return hashlib.sha256(lines.encode()).hexdigest() if lines else ""


def pack(folder: Path, target: Path, epoch: int) -> str:
    """Write the folder as one tar.gz, the same bytes for the same files; give its SHA-256.

    Parameters
    ----------
    epoch : int
        The time of every file, in seconds since 1970.
    """

    def settled(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = epoch
        return member

    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        tar.add(folder, NAME, recursive=False, filter=settled)
        for path in sorted(folder.rglob("*")):
            tar.add(path, f"{NAME}/{path.relative_to(folder)}", recursive=False, filter=settled)
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
