"""Files that a crash leaves whole: written at once, or appended line by line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evaluation.errors import EvaluationError

__all__ = ["append_lines", "digest_of", "read_lines", "read_object", "set_torn_end_aside", "write_atomically"]

_COPY_ANEW = "Copy the run's folder anew from where it was made, or measure again."


def write_atomically(path: Path, content: str) -> None:
    """Write a file whole or not at all, and have it on disk before going on."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as stream:
        stream.write(content.encode("utf-8", "replace"))
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


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
    *lines, end = path.read_bytes().split(b"\n")
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
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Have a new name in a folder on disk too, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)
