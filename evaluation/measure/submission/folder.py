"""The folder of one submission, seen by the nodes: scripts, certificates, logs; and its lock.

A lock ends with its process, however that ends. So a folder that is found unlocked is of a submitter that is
gone, and the jobs that have its name are nobody's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.scratch import remove_tree

__all__ = ["SubmissionFolder", "abandoned"]

_LOCK = "lock"


class SubmissionFolder:
    """A new submission's folder, locked while its submitter lives. Its name is the submission's id."""

    def __init__(self, shared: Path) -> None:
        self.id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.path = _submissions(shared) / self.id
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700)
            self._lock = os.open(self.path / _LOCK, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EvaluationError(
                f"the shared folder cannot be used: {error.strerror}",
                where=str(self.path),
                advice="Name one that nodes and this host both see: batch: shared_folder, or --results FOLDER.",
            ) from None
        with contextlib.suppress(OSError):  # a file system without locks: then the id alone tells
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def close(self) -> None:
        """Remove it, with everything in it."""
        remove_tree(self.path)
        with contextlib.suppress(OSError):
            os.close(self._lock)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()  # the last one puts the light out


def abandoned(shared: Path, end: Callable[[str], object]) -> Iterator[str]:
    """Call ``end`` with the id of each submission whose submitter is gone, and then remove its folder.

    A folder whose ``end`` raises stays, so that whoever comes next tries again.
    """
    for path in sorted(_submissions(shared).glob("*")):
        try:
            descriptor = os.open(path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # another's, or gone meanwhile
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            end(path.name)
            remove_tree(path)
            yield path.name
        finally:
            os.close(descriptor)
    with contextlib.suppress(OSError):
        _submissions(shared).rmdir()


def _submissions(shared: Path) -> Path:
    return shared / ".submissions"
