"""An image's own list of paths, by which what a runtime adds is told from what the image holds.

It lies beside the payload, because every container sees that directory.
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage, opened_of
from evaluation.images.tarball import inner

__all__ = ["CONTENTS", "first_difference", "place_contents", "place_without"]

CONTENTS = "contents"
"""The directory of the lists, in the payload's; each is named as its image."""

_FILE = b"100000"
"""The kind of a regular file (inode(7), S_IFREG in octal)."""


def place_contents(image: BuiltImage, payload: Path) -> Path:
    """Write the image's paths, one a line, in byte order; with the parents of each, whatever the tar has.

    Raises
    ------
    EvaluationError
        The image's archive cannot be read.
    """
    target = payload / CONTENTS / image.name
    if target.exists():
        return target
    paths: set[str] = set()
    try:
        with opened_of(Path(image.archives.tar)) as source, tarfile.open(fileobj=source) as archive:
            for member in archive:
                parts = inner(member.name).split("/")
                paths.update("/".join(parts[: end + 1]) for end in range(len(parts)))
    except (OSError, tarfile.TarError) as error:
        raise EvaluationError(
            f"cannot be read: {error}",
            where=image.archives.tar,
            advice=f"Build the image again: evaluation image clean {image.name}.",
        ) from None
    target.parent.mkdir(mode=0o755, exist_ok=True)
    names = sorted(path.encode(errors="surrogateescape") for path in paths if "\n" not in path)
    target.write_bytes(b"".join(name + b"\n" for name in names))
    target.chmod(0o644)
    return target


def first_difference(one: Sequence[bytes], other: Sequence[bytes]) -> str:
    """Name the first path that two looks at one image do not agree on; empty where they agree.

    Parameters
    ----------
    one, other : sequence of bytes
        What `evaluation.images.convert.contents_seen` gave: kind, path and, of a file, what is in it.
    """
    for ours, theirs in zip_longest(one, other):
        if ours != theirs:
            paths = [_path(line) for line in (ours, theirs) if line]
            return min(paths, key=lambda path: path.split(b"/")).decode(errors="replace")
    return ""


def place_without(image: str, payload: Path, replaced: Sequence[str]) -> str:
    """Write the image's list of paths once more, less those that a runtime replaces; give the list's name."""
    own = tuple(path.encode() for path in replaced)
    below = tuple(path + b"/" for path in own)
    lines = (payload / CONTENTS / image).read_bytes().splitlines()
    kept = [line for line in lines if line not in own and not line.startswith(below)]
    target = payload / CONTENTS / f"{image}.less"
    target.write_bytes(b"".join(line + b"\n" for line in kept))
    target.chmod(0o644)
    return target.name


def _path(line: bytes) -> bytes:
    kind, _, rest = line.partition(b" ")
    return rest.rsplit(b" ", 3)[0] if kind == _FILE else rest.split(b" -> ")[0]
