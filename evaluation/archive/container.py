"""The archive itself: a zip of a few known files, read as if its sender were an enemy.

A zip, because a site contact can look into it with any file manager before it is sent. It is written with
fixed dates, order and modes, so that the same run gives the same bytes; it is read member by member, never
extracted: no path of the archive is ever used as one.

Format history
--------------
2
    Beside the run there may be its sweeps: ``beside`` names them in the header, each in a place of its own
    (`BESIDE`), and their files stand under that place's name, as ``sweep/manifest.json``. Format 1 is still
    read.
1
    ``archive.json`` (`Header`) and the files of one finished run (`evaluation.store`), each named there with
    its size and SHA-256. The run's ``complete.json`` says what was hidden, under ``archived``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.errors import EvaluationError

__all__ = ["ASK_AGAIN", "BESIDE", "FILES", "FORMAT", "HEADER", "Header", "Member", "damaged", "read", "write"]

FORMAT: Final = 2
_READ: Final = (1, FORMAT)
HEADER: Final = "archive.json"
FILES: Final = (
    "manifest.json",
    "observations.jsonl",
    "evidence.jsonl",
    "outputs.jsonl",
    "residue.jsonl",
    "complete.json",
)
"""What an archive may hold of a run."""

BESIDE: Final = ("sweep", "across")
"""What may come with a run: the sweep of its host, and the one across nodes, that a report shows with it."""

_EVERY: Final = frozenset(FILES) | {f"{place}/{name}" for place in BESIDE for name in FILES}
_OPTIONAL: Final = frozenset({"residue.jsonl", "evidence.jsonl", "outputs.jsonl"})
_MOST_PACKED = 128 * 2**20
_MOST_UNPACKED = 384 * 2**20
_MOST_HEADER = 2**20
_MOST_RATIO = 400
"""Measurements repeat themselves, and shrink to a twentieth; a bomb shrinks to a thousandth."""

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = (stat.S_IFREG | 0o644) << 16
_PLAIN: Final = frozenset({0, stat.S_IFREG})
_ENCRYPTED: Final = 0x1
ASK_AGAIN = "Ask for it again, and compare its SHA-256 with what 'evaluation site pack' printed there."
_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_RUN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
_SHA256 = r"^[0-9a-f]{64}$"


class Member(BaseModel):
    """One file of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sha256: Annotated[str, Field(pattern=_SHA256)]
    size_bytes: Annotated[int, Field(ge=0, le=_MOST_UNPACKED)]


class Header(BaseModel):
    """What the archive says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int
    tool_version: Annotated[str, Field(max_length=40)]
    site: Annotated[str, Field(pattern=_NAME)]
    run: Annotated[str, Field(pattern=_RUN)]
    beside: dict[Literal["sweep", "across"], Annotated[str, Field(pattern=_RUN)]] = {}
    files: dict[str, Member]

    @property
    def runs(self) -> dict[str, str]:
        """Every run by what stands before the names of its files; the measurement first."""
        return {"": self.run, **{f"{place}/": name for place, name in self.beside.items()}}


def write(path: Path, header: Header, files: Mapping[str, bytes]) -> str:
    """Write an archive, whole or not at all; return its SHA-256.

    Raises
    ------
    EvaluationError
        It cannot be written.
    """
    head = json.dumps(header.model_dump(), indent=1, sort_keys=True).encode() + b"\n"
    temporary = path.with_name(f".{path.name}.new")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, data in ((HEADER, head), *sorted(files.items())):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.create_system, entry.external_attr = 3, _MODE  # whatever system this is
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
        temporary.replace(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise EvaluationError(
            f"cannot be written: {error.strerror}", where=str(path), advice="Name another file: --output."
        ) from None


def read(path: Path) -> tuple[Header, dict[str, bytes], str]:
    """Read an archive and hold every file against the header.

    Returns
    -------
    Header
        What it says of itself.
    dict of str to bytes
        Its files by name, all of them in `FILES`, or that below one of `BESIDE`.
    str
        The archive's own SHA-256.

    Raises
    ------
    EvaluationError
        It cannot be read, is larger than any run, is damaged, was changed, holds what no run has, or is of
        a newer format. Nothing of it has been written or run.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MOST_PACKED else b""
    except OSError as error:
        raise EvaluationError(
            f"cannot be read: {error.strerror}", where=str(path), advice="Name the archive's file."
        ) from None
    if size > _MOST_PACKED:
        raise damaged(path, f"larger than {_MOST_PACKED} bytes, as no run is")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = _entries(archive, path)
            header = _header(_bytes(archive, entries[HEADER], _MOST_HEADER, path), path)
            _same_files(header, entries, path)
            files = {
                name: _bytes(archive, entries[name], member.size_bytes, path)
                for name, member in header.files.items()
            }
    except EvaluationError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the library says of a damaged file, it is damaged
        raise damaged(path, f"cut off or damaged ({type(error).__name__})") from None
    for name, member in header.files.items():
        if len(files[name]) != member.size_bytes or _sha256(files[name]) != member.sha256:
            raise damaged(path, f"not whole: {name} is not what the header says of it")
    return header, files, _sha256(data)


def damaged(path: Path, what: str) -> EvaluationError:
    """Say what is wrong with an archive, and what to do."""
    return EvaluationError(f"is {what}; nothing was added", where=str(path), advice=ASK_AGAIN)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Every member by name, each of them a plain file that a run has, and none twice."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        name = entry.orig_filename  # as it stands there, not as the library cleaned it
        shown = repr(name[:60])
        if name in found:
            raise damaged(path, f"not sound: {shown} is in it twice")
        if name != HEADER and name not in _EVERY:
            raise damaged(path, f"not sound: {shown} is no file of a run")
        if stat.S_IFMT(entry.external_attr >> 16) not in _PLAIN or entry.is_dir():
            raise damaged(path, f"not sound: {shown} is no plain file")
        if entry.flag_bits & _ENCRYPTED:
            raise damaged(path, f"not readable: {shown} is encrypted")
        if entry.file_size > _MOST_RATIO * max(entry.compress_size, 64):
            raise damaged(path, f"not sound: {shown} would grow {_MOST_RATIO}fold and more")
        found[name] = entry
    if HEADER not in found:
        raise damaged(path, f"no archive of a run: it has no {HEADER}")
    if sum(entry.file_size for entry in found.values()) > _MOST_UNPACKED:
        raise damaged(path, f"not sound: it would grow beyond {_MOST_UNPACKED} bytes")
    return found


def _bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, path: Path) -> bytes:
    """Read a member, and not a byte more than it may have, whatever it says of itself."""
    with archive.open(entry) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise damaged(path, f"not sound: {entry.filename!r} is longer than it may be")
    return data


def _header(data: bytes, path: Path) -> Header:
    found: Any = json.loads(data)
    version = found.get("format") if isinstance(found, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise EvaluationError(
            f"format {version} is newer than this tool's {FORMAT}; nothing was added",
            where=str(path),
            advice="Update the tool, then import it again.",
        )
    if version not in _READ or isinstance(version, bool):
        raise damaged(path, "no archive of a run: its header has no format that this tool knows")
    try:
        return Header.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise damaged(path, f"not sound: its header, {place}: {first['msg']}") from None


def _same_files(header: Header, entries: Mapping[str, object], path: Path) -> None:
    named, there = {*header.files}, {*entries} - {HEADER}
    if named != there:
        odd = ", ".join(sorted(re.sub(r"[^\w.]", "?", name)[:60] for name in named ^ there))
        raise damaged(path, f"not whole: its header and its contents differ in {odd}")
    wanted = {f"{place}{name}" for place in header.runs for name in FILES}
    needed = {f"{place}{name}" for place in header.runs for name in {*FILES} - _OPTIONAL}
    if missing := needed - named:
        raise damaged(path, f"not whole: {', '.join(sorted(missing))} is missing")
    if more := named - wanted:
        raise damaged(path, f"not sound: {', '.join(sorted(more))} is of no run that its header names")
    if len({*header.runs.values()}) != len(header.runs):
        raise damaged(path, "not sound: its header names a run twice")
