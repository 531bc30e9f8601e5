"""One image's tree as a layer over another's: what is new or other, and what is gone.

Gone files are named as the OCI image specification names them (layer.md, whiteouts): an empty file
``.wh.NAME`` beside where it was. The directories above every member are in the layer too: a store that
unpacks layers apart from each other would make up their modes.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

__all__ = ["Member", "difference", "members"]

WHITEOUT = ".wh."
_CHUNK = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What makes one path of an image itself. ``content`` is a SHA-256, or a link's target."""

    kind: str
    mode: int
    content: str
    size_bytes: int = 0


def members(tar: BinaryIO) -> dict[str, Member]:
    """Read every path of a tree, a hard link as the file that it is."""
    found: dict[str, Member] = {}
    with tarfile.open(fileobj=tar) as archive:
        for item in archive:
            name = item.name.removeprefix("./").strip("/")
            if not name or name == ".":
                continue
            if item.islnk():
                found[name] = found[item.linkname.removeprefix("./")]
            elif data := archive.extractfile(item) if item.isreg() else None:
                digest = _digest(data)
                found[name] = Member(kind="file", mode=item.mode, content=digest, size_bytes=item.size)
            elif item.issym():
                found[name] = Member(kind="link", mode=0, content=item.linkname)
            else:
                found[name] = Member(kind="directory", mode=item.mode, content="")
    return found


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def difference(old: BinaryIO, new: BinaryIO, target: Path) -> None:
    """Write the layer that makes ``new`` of ``old``, both whole trees, bit for bit the same each time."""
    before = members(old)
    new.seek(0)
    after = members(new)
    new.seek(0)
    changed = {name for name, item in after.items() if before.get(name) != item}
    # What lies below a path that is no directory any more went with it.
    gone = sorted(
        name
        for name in before.keys() - after.keys()
        if not (above := _above(name)) or (above in after and after[above].kind == "directory")
    )
    wanted = changed | {
        str(path) for name in (*changed, *gone) for path in PurePosixPath(name).parents if str(path) != "."
    }
    with (
        tarfile.open(fileobj=new) as source,
        tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as layer,
    ):
        _copy(source, layer, wanted, after)
        for name in gone:
            path = PurePosixPath(name)
            mark = copy(source.getmember(f"./{_above(name)}")) if _above(name) else tarfile.TarInfo()
            mark.name = f"./{path.with_name(WHITEOUT + path.name)}"
            mark.type, mark.mode, mark.size = tarfile.REGTYPE, 0o444, 0
            layer.addfile(mark)


def _above(name: str) -> str:
    above = str(PurePosixPath(name).parent)
    return "" if above == "." else above


def _copy(
    source: tarfile.TarFile, layer: tarfile.TarFile, wanted: set[str], after: Mapping[str, Member]
) -> None:
    """Copy the wanted members; a hard link to what is not among them becomes a file."""
    for item in source:
        name = item.name.removeprefix("./").strip("/")
        if name not in wanted:
            continue
        data: IO[bytes] | None = None
        if item.islnk() and item.linkname.removeprefix("./") not in wanted:
            data = source.extractfile(item)
            item.type, item.linkname, item.size = tarfile.REGTYPE, "", after[name].size_bytes
        elif item.isreg():
            data = source.extractfile(item)
        layer.addfile(item, data)
