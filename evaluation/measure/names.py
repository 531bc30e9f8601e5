"""The names that measuring looks up here: kept beside the run, so that none of them leaves the site."""

from __future__ import annotations

import grp
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from evaluation.archive.names import names_of_uid
from evaluation.kit import groups_told
from evaluation.measure.user import User, ourselves
from evaluation.store import Run

__all__ = ["note_names"]

_FIRST_PERSONAL = 1000


def note_names(run: Run, user: User) -> None:
    """Note this host's names, and those of the measuring user, of us, and of the groups of both.

    Each is looked up by its number: a directory may know accounts that it does not list.
    """
    hosts = {socket.gethostname(), *_words(Path("/etc/hostname"))}
    users = {name for each in (user, ourselves()) for name in (*_of(each), *_groups(each.groups))}
    users |= groups_told(_FIRST_PERSONAL)
    run.note_names({name for name in hosts if name}, {name for name in users if name})


def _of(user: User) -> Iterable[str]:
    yield user.name
    yield from names_of_uid(user.uid)


def _groups(numbers: Iterable[int]) -> Iterable[str]:
    for number in numbers:
        if number >= _FIRST_PERSONAL:
            with suppress(KeyError):
                yield grp.getgrgid(number).gr_name


def _words(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").split()
    return []
