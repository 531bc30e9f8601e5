"""Folders in which somebody else may rename things: everything there is reached by descriptor.

Root measures as another user, so root writes, reads and removes below folders of that user's. Between a look
at a path and its use the user can put a link in its place. What is done from an open folder, one name at a
time and never through a link, is done where the folder was opened, whatever it is called by now.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

__all__ = ["LARGEST", "HeldFolder"]

LARGEST = 16 * 2**20
"""Bytes that are read of a file of somebody else's, who could make it endless."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPENED_TO_ITS_OWNER = 0o700


class HeldFolder:
    """A folder that is held open: its files are reached from it, and it cannot be exchanged for another.

    Parameters
    ----------
    path : Path
        The folder. Nobody else may be able to rename anything in the path that leads to it.

    Raises
    ------
    OSError
        It is not there, is a link, or may not be read.
    """

    def __init__(self, path: Path) -> None:
        self.descriptor = _opened(str(path), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    @property
    def owner(self) -> int:
        """Numeric id of the user that it belongs to."""
        return os.fstat(self.descriptor).st_uid

    def make(self, name: str, *, mode: int, uid: int = -1, gid: int = -1) -> HeldFolder:
        """Make a new folder in it, and hold that."""
        os.mkdir(_one(name), mode=0o700, dir_fd=self.descriptor)
        made = self.folder(name)
        try:
            os.fchown(made.descriptor, uid, gid)
            os.fchmod(made.descriptor, mode)
        except BaseException:
            made.close()
            raise
        return made

    def folder(self, name: str) -> HeldFolder:
        """Hold a folder that is in it."""
        held = HeldFolder.__new__(HeldFolder)
        held.descriptor = _opened(_one(name), self.descriptor)
        return held

    def write(self, name: str, content: str | bytes, *, mode: int, uid: int = -1, gid: int = -1) -> None:
        """Make a new file in it: never through a link, never over a file.

        Raises
        ------
        FileExistsError
            Something is there under this name, be it a link that leads nowhere.
        """
        os.close(self._made(name, content, mode=mode, uid=uid, gid=gid))

    def keep(self, name: str, content: bytes, *, mode: int, uid: int = -1, gid: int = -1) -> BinaryIO:
        """Make a new file in it, as `write` does, and hold that file open, whatever its name leads to."""
        made = self._made(name, content, mode=mode, uid=uid, gid=gid)
        try:
            return open(f"/proc/self/fd/{made}", "rb")  # noqa: PTH123 - by descriptor
        finally:
            os.close(made)  # a program that is open for writing cannot be run

    def _made(self, name: str, content: str | bytes, *, mode: int, uid: int, gid: int) -> int:
        file = os.open(_one(name), _NEW_FILE, 0o600, dir_fd=self.descriptor)
        try:
            with os.fdopen(file, "wb", closefd=False) as stream:
                stream.write(content.encode() if isinstance(content, str) else content)
            os.fchown(file, uid, gid)
            os.fchmod(file, mode)
        except BaseException:
            os.close(file)
            raise
        return file

    def open(self, name: str, *, owner: int | None = None) -> BinaryIO:
        """Open a file in it for reading: no link, and nothing that acts or waits when it is opened.

        Parameters
        ----------
        owner : int, optional
            Whose file it must be. A hard link can put anybody's file there.

        Raises
        ------
        OSError
            There is no such file, or it is something else, or another user's.
        """
        found = os.open(_one(name), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)
        try:
            status = os.fstat(found)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "is no regular file", name)
            if owner is not None and status.st_uid != owner:
                raise OSError(errno.EPERM, f"belongs to uid {status.st_uid}, not {owner}", name)
            return open(f"/proc/self/fd/{found}", "rb")  # noqa: PTH123 - by descriptor
        finally:
            os.close(found)

    def read(self, name: str, *, owner: int | None = None, largest: int = LARGEST) -> bytes:
        """Read a file in it, as `open` does, and no more than ``largest`` bytes."""
        with self.open(name, owner=owner) as stream:
            return stream.read(largest)

    def listen(self, name: str) -> socket.socket:
        """Listen on a new socket in it, which anybody may call."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0)
        try:
            # By descriptor also because a socket's path must be shorter than 108 bytes.
            listener.bind(self.path_of(name))
            listener.listen(16)
        except BaseException:
            listener.close()
            raise
        finally:
            os.umask(before)
        return listener

    def path_of(self, name: str) -> str:
        """Give a path to what is in it, for calls of this process that take no descriptor."""
        return f"/proc/self/fd/{self.descriptor}/{_one(name)}"

    def has(self, name: str) -> bool:
        """Whether anything is in it under this name."""
        try:
            os.stat(_one(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file or a link in it; one that is gone already is no fault."""
        with suppress(FileNotFoundError):
            os.unlink(_one(name), dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        """Remove an empty folder in it.

        Raises
        ------
        OSError
            It is not empty, is none, or is not there.
        """
        os.rmdir(_one(name), dir_fd=self.descriptor)

    def empty(self) -> None:
        """Remove all that is in it, as far as we may, and nothing of what is mounted there."""
        _empty(self.descriptor, _mount_of(self.descriptor))


def _one(name: str) -> str:
    """Refuse what is more than a name: it would be looked up through folders that nobody holds."""
    if "/" in name or name in {"", ".", ".."}:
        message = f"{name!r} is not the name of one file"
        raise ValueError(message)
    return name


def _opened(name: str, within: int | None) -> int:
    """Open a folder; where its owner, who we are, has closed it to everybody, it is opened first."""
    try:
        return os.open(name, _FOLDER, dir_fd=within)
    except PermissionError:
        flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        closed = os.open(name, flags, dir_fd=within)
        try:
            os.chmod(f"/proc/self/fd/{closed}", _OPENED_TO_ITS_OWNER)  # noqa: PTH101 - by descriptor
        finally:
            os.close(closed)
        return os.open(name, _FOLDER, dir_fd=within)


def _mount_of(descriptor: int) -> bytes:
    """Tell which mount something was opened in: a bind has the device number of what it shows.

    References
    ----------
    proc_pid_fdinfo(5): ``mnt_id``.
    """
    told = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes()
    return next(line for line in told.splitlines() if line.startswith(b"mnt_id:"))


def _empty(folder: int, mount: bytes) -> None:
    if os.fstat(folder).st_mode & _OPENED_TO_ITS_OWNER != _OPENED_TO_ITS_OWNER:
        with suppress(OSError):
            os.fchmod(folder, _OPENED_TO_ITS_OWNER)
    for name in os.listdir(folder):
        with suppress(OSError):  # what we may not remove stays, and the rest goes
            try:
                inner = _opened(name, folder)
            except OSError as error:
                if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
                    raise
                os.unlink(name, dir_fd=folder)
                continue
            try:
                if _mount_of(inner) != mount:
                    continue
                _empty(inner, mount)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
