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

from evaluation.images.recipe import Recipe

__all__ = ["installed_packages", "normalise"]

_STATUS = "var/lib/dpkg/status"
_PADDING_BYTES = 64 * 2**20
"""Of one file of padding."""

DEB_LIST = ".packages"
"""File names of the Debian archives an image was unpacked from, where no package was set up."""


def normalise(source: Path, target: Path, recipe: Recipe) -> tuple[str, ...]:
    """Write ``target`` from ``source`` as the recipe wants it; return the packages, as ``name=version``."""
    status = debs = b""
    with tarfile.open(source) as old, tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as new:
        seen: set[str] = set()
        for member in old:
            name = member.name.removeprefix("./").strip("/")
            if not name or name == "." or left_out(f"/{name}", (*recipe.leave_out, *recipe.empty_files)):
                continue
            if name == DEB_LIST and (listed := old.extractfile(member)):
                debs = listed.read()
                continue
            seen.add(name)
            data = old.extractfile(member) if member.isfile() else None
            if name == _STATUS and data:
                status = data.read()
                data = io.BytesIO(status)
            new.addfile(settled(member, name, recipe.epoch), data)
        for member in missing(recipe, seen):
            new.addfile(member)
        for member, data in padding(recipe):
            new.addfile(member, data)
    return installed_packages(status.decode()) or unpacked_packages(debs.decode())


def left_out(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is, or lies below, one to be left out."""
    return any(
        f"{path}/".startswith(pattern) if pattern.endswith("/") else path == pattern for pattern in patterns
    )


def settled(member: tarfile.TarInfo, name: str, epoch: int) -> tarfile.TarInfo:
    """Give a member a fixed name, owner and time, and a mode that every user can read."""
    member.name = f"./{name}"
    if member.islnk():
        member.linkname = "./" + member.linkname.removeprefix("./")
    member.mode = (member.mode & 0o777) | 0o444 | (0o111 if member.isdir() or member.mode & 0o111 else 0)
    if member.isdir() and PurePosixPath(name).name == "tmp":
        member.mode = 0o1777
    member.mtime = min(int(member.mtime), epoch)
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.pax_headers = {}
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
