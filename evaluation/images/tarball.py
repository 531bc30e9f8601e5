"""From a root file system as Debian's tools make it to the image's one layer, bit for bit the same.

Every member is made readable and loses setuid bits: an unprivileged runtime must be able to read what
it runs, and the security attempts bring a setuid helper of their own.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from evaluation.errors import EvaluationError
from evaluation.images.recipe import Recipe

__all__ = ["installed_packages", "normalise"]

_STATUS = "var/lib/dpkg/status"
_PADDING_BYTES = 64 * 2**20
"""Of one file of padding."""

DEB_LIST = ".packages"
"""File names of the Debian archives an image was unpacked from, where no package was set up."""


def normalise(source: BinaryIO, target: Path, recipe: Recipe) -> tuple[str, ...]:
    """Write ``target`` from ``source`` as the recipe wants it; return the packages, as ``name=version``.

    Raises
    ------
    EvaluationError
        The source holds what no image should: a name that leads out of it, a device, a name twice, a
        link to a file that is left out; or it is no archive.
    """
    try:
        with (
            tarfile.open(fileobj=source) as old,
            tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as new,
        ):
            return _copied(old, new, recipe)
    except tarfile.TarError as error:
        raise EvaluationError(f"the root file system is no archive: {error}", where="image") from None


def _copied(old: tarfile.TarFile, new: tarfile.TarFile, recipe: Recipe) -> tuple[str, ...]:
    status = debs = b""
    seen: set[str] = set()
    for member in old:
        name = inner(member.name)
        if not name or left_out(f"/{name}", (*recipe.leave_out, *recipe.empty_files)):
            continue
        if problem := odd(member, name, seen):
            raise EvaluationError(f"the root file system holds {member.name!r}, {problem}", where="image")
        data = old.extractfile(member) if member.isreg() else None
        if name == DEB_LIST and data:
            debs = data.read()
            continue
        seen.add(name)
        if name == _STATUS and data:
            status = data.read()
            data = io.BytesIO(status)
        new.addfile(settled(member, name, recipe.epoch), data)
    for member in missing(recipe, seen):
        new.addfile(member)
    for member, content in padding(recipe):
        new.addfile(member, content)
    return installed_packages(status.decode()) or unpacked_packages(debs.decode())


def inner(name: str) -> str:
    """Give a member's name as seen from the root, without slashes at its ends."""
    return "/".join(part for part in name.split("/") if part not in {"", "."})


def odd(member: tarfile.TarInfo, name: str, seen: set[str]) -> str:
    """Say why a member cannot be part of an image; empty when it can."""
    if ".." in name.split("/"):
        return "a name that leads out of it"
    if name in seen:
        return "a name that was there before"
    if member.islnk() and inner(member.linkname) not in seen:
        return f"a hard link to {member.linkname!r}, which is not in the image before it"
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return "a device or a pipe"
    return ""


def left_out(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is, or lies below, one to be left out."""
    return any(
        f"{path}/".startswith(pattern) if pattern.endswith("/") else path == pattern for pattern in patterns
    )


def settled(member: tarfile.TarInfo, name: str, epoch: int) -> tarfile.TarInfo:
    """Give a member a fixed name, owner and time, and a mode that every user can read."""
    member.name = f"./{name}"
    if member.islnk():
        member.linkname = f"./{inner(member.linkname)}"
    if member.isreg():
        member.type = tarfile.REGTYPE  # a sparse one was read whole
    member.mode = (member.mode & 0o777) | 0o444 | (0o111 if member.isdir() or member.mode & 0o111 else 0)
    if member.isdir() and PurePosixPath(name).name == "tmp":
        member.mode = 0o1777
    member.mtime = min(int(member.mtime), epoch)
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.devmajor = member.devminor = 0
    member.pax_headers = {}  # and with them extended attributes: file capabilities are privileges too
    return member


def missing(recipe: Recipe, seen: set[str]) -> Iterator[tarfile.TarInfo]:
    """Directories, empty files and links that the recipe asks for and the tree lacks."""
    for path in ("/dev", "/proc", "/sys", *recipe.directories):
        if (name := path.strip("/")) not in seen:
            member = tarfile.TarInfo(name)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            yield settled(member, name, recipe.epoch)
    for path in recipe.empty_files:
        if (name := path.strip("/")) not in seen:
            yield settled(tarfile.TarInfo(name), name, recipe.epoch)
    for path, target in recipe.links.items():
        if (name := path.strip("/")) not in seen:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            yield settled(member, name, recipe.epoch)


def padding(recipe: Recipe) -> Iterator[tuple[tarfile.TarInfo, io.BytesIO]]:
    """Files that no compression makes smaller, from SHAKE-256 (FIPS 202) of their numbers."""
    for number, start in enumerate(range(0, recipe.pad_bytes, _PADDING_BYTES)):
        size = min(_PADDING_BYTES, recipe.pad_bytes - start)
        name = f"opt/padding/{number:04d}"
        member = settled(tarfile.TarInfo(name), name, recipe.epoch)
        member.size = size
        yield member, io.BytesIO(hashlib.shake_256(name.encode()).digest(size))


def installed_packages(status: str) -> tuple[str, ...]:
    """Read ``name=version`` of every package out of dpkg's status file, sorted."""
    found = []
    for paragraph in status.split("\n\n"):
        keys = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if keys.get("Status") == "install ok installed":
            found.append(f"{keys['Package']}={keys['Version']}")
    return tuple(sorted(found))


def unpacked_packages(listing: str) -> tuple[str, ...]:
    """Read ``name=version`` out of the file names of Debian archives, sorted."""
    names = [line.removesuffix(".deb").split("_") for line in listing.split() if line.endswith(".deb")]
    return tuple(sorted(f"{name}={version.replace('%3a', ':')}" for name, version, _ in names))
