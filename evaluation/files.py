"""Files that a crash leaves whole: written at once, or appended line by line; and finished ones, packed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from evaluation.errors import EvaluationError

__all__ = [
    "FULL",
    "LARGEST",
    "append_lines",
    "as_packed",
    "digest_of",
    "pack",
    "read_lines",
    "read_object",
    "require_writable",
    "set_torn_end_aside",
    "write_atomically",
]

LARGEST = 256 * 2**20
"""Bytes that a packed file may unpack to: a few kilobytes can be made to unpack to any number."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""How the system says that a disk or a quota is full: no matter of which folder."""

_COPY_ANEW = "Copy the run's folder anew from where it was made, or measure again."
_GZIP = 31
"""Of zlib: the largest window, with the header and the trailer of gzip (RFC 1952)."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, and have it on disk before going on.

    Raises
    ------
    OSError
        It cannot be written; the error names the file, and nothing is left of it.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        error.filename, error.filename2 = str(path), None
        raise
    _sync_folder(path.parent)


def require_writable(folder: Path, advice: str) -> None:
    """Make a folder where there is none, and make sure by trying that we can write into it.

    Raises
    ------
    EvaluationError
        We cannot: the folder is named.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in FULL:
            raise
        raise EvaluationError(
            f"this folder cannot be written to: {error.strerror}", where=str(folder), advice=advice
        ) from None


def append_lines(path: Path, rows: Sequence[object]) -> None:
    """Append one JSON line per row, all or none of them, and have them on disk before going on.

    What fails half-way (a full disk, an interruption) is cut off again. What a crash leaves half-written
    has no newline at its end, and does not count.
    """
    if not rows:
        return
    # Text that is no Unicode (a file name can be anything) would make the line unreadable for good.
    text = "".join(
        json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n" for row in rows
    )
    left = memoryview(text.encode("utf-8", "replace"))
    new = not path.exists()
    stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(stream).st_size
        try:
            while left:
                left = left[os.write(stream, left) :]
            os.fsync(stream)
        except BaseException:
            os.ftruncate(stream, size)
            raise
    finally:
        os.close(stream)
    if new:
        _sync_folder(path.parent)


def set_torn_end_aside(path: Path) -> None:
    """Cut off what a crash left without a newline; it is kept in ``<name>.torn`` beside the file."""
    data = path.read_bytes() if path.exists() else b""
    whole, newline, torn = data.rpartition(b"\n")
    if not torn:
        return
    with path.with_name(f"{path.name}.torn").open("ab") as aside:
        aside.write(torn + b"\n")
        aside.flush()
        os.fsync(aside.fileno())
    os.truncate(path, len(whole + newline))


def read_lines(path: Path, *, torn_end: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read JSON lines; give each object with its place, as ``file:line``.

    Parameters
    ----------
    torn_end : bool
        Whether the file may end without a newline; what stands there then does not count.

    Raises
    ------
    EvaluationError
        A line is damaged, with its place.
    """
    if not path.exists():
        return
    *lines, end = contents(path).split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise _damaged(path, number)
        yield f"{path}:{number}", row
    if end and not torn_end:
        raise _damaged(path, len(lines) + 1)


def _damaged(path: Path, line: int) -> EvaluationError:
    advice = f"The lines before it are whole. {_COPY_ANEW}"
    return EvaluationError("is cut off or damaged", where=f"{path}:{line}", advice=advice)


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    EvaluationError
        The file cannot be read, or holds something else.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise EvaluationError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError as error:
        raise EvaluationError(f"is cut off or damaged: {error}", where=str(path), advice=_COPY_ANEW) from None
    if not isinstance(data, dict):
        raise EvaluationError("is damaged: it holds no object", where=str(path), advice=_COPY_ANEW)
    return data


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a packed one, that of what is packed."""
    if path.suffix == ".gz":
        return hashlib.sha256(contents(path)).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def as_packed(path: Path) -> Path:
    """Return where a file stands when it is packed."""
    return path.with_name(f"{path.name}.gz")


def pack(path: Path) -> Path:
    """Write a file packed beside itself; alike for alike, byte for byte: no time and no name is kept in it.

    Raises
    ------
    EvaluationError
        It is larger than what would be unpacked again.
    """
    data = path.read_bytes()
    if len(data) > LARGEST:
        raise EvaluationError(
            f"is not packed: its {len(data)} bytes are more than the {LARGEST} that are unpacked again",
            where=str(path),
        )
    target = as_packed(path)
    squeezer = zlib.compressobj(9, wbits=_GZIP)
    write_atomically(target, squeezer.compress(data) + squeezer.flush())
    return target


def contents(path: Path) -> bytes:
    """Read a file whole; a packed one is unpacked.

    Raises
    ------
    EvaluationError
        What is packed is cut off, damaged, or larger than `LARGEST`.
    """
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise EvaluationError(f"cannot be unpacked: {error}", where=str(path), advice=_COPY_ANEW) from None
    if len(found) > LARGEST:
        raise EvaluationError(
            f"is refused: its {len(data)} bytes unpack to more than {LARGEST}",
            where=str(path),
            advice="No run of ours is so large. Ask who gave it to you.",
        )
    if not unpacker.eof or unpacker.unused_data:
        raise EvaluationError("is cut off, or longer than it says", where=str(path), advice=_COPY_ANEW)
    return found


def _sync_folder(folder: Path) -> None:
    """Have a new name in a folder on disk too, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)
