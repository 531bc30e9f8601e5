"""The folder of one submission, seen by the nodes: scripts, certificates, logs; and whose it is.

It holds the mark of its submitter. So what a submitter of this host that is gone has left is known, and the
jobs that have its name are nobody's. Another host's is left to that host: whether it lives cannot be seen.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.files import write_atomically
from evaluation.marks import abandoned as gone
from evaluation.marks import mark
from evaluation.scratch import remove_tree

__all__ = ["SubmissionFolder", "abandoned"]

_OWNER = "owner"


class SubmissionFolder:
    """A new submission's folder, with the mark of its submitter. Its name is the submission's id."""

    def __init__(self, shared: Path) -> None:
        self.id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.path = _submissions(shared) / self.id
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700)
            write_atomically(self.path / _OWNER, mark())
        except OSError as error:
            raise EvaluationError(
                f"the results folder cannot be used for a submission: {error.strerror}",
                where=str(self.path),
                advice="Name one that nodes and this host both see: --results FOLDER.",
            ) from None

    def close(self) -> None:
        """Remove it, with everything in it."""
        remove_tree(self.path)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()  # the last one puts the light out


def abandoned(shared: Path, end: Callable[[str], object]) -> Iterator[str]:
    """Call ``end`` with the id of each submission whose submitter is gone, and then remove its folder.

    A folder whose ``end`` raises stays, so that whoever comes next tries again.
    """
    for path in sorted(_submissions(shared).glob("*")):
        try:
            owner = (path / _OWNER).read_text(encoding="utf-8")
        except OSError:
            continue  # another's, or gone meanwhile
        if gone(owner):
            end(path.name)
            remove_tree(path)
            yield path.name
    with contextlib.suppress(OSError):
        _submissions(shared).rmdir()


def _submissions(shared: Path) -> Path:
    return shared / ".submissions"
