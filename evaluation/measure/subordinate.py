"""Subordinate ids of the measuring user: whether there are any, whether they work, who else has them."""

from __future__ import annotations

import pwd
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.manifest import CheckFacts
from evaluation.measure.launcher import Command, Launcher
from evaluation.model import CheckState
from evaluation.mounts import text_of
from evaluation.reasons import reason_of

__all__ = ["subordinate_ids"]

_WHAT: Final = "subordinate ids"
_ENOUGH: Final = 65536
"""An image's files belong to ids up to 65534 (nobody); fewer, and some of its owners have no id outside."""
_COST: Final = "more than one id inside Podman, rootless Docker and apptainer-fakeroot"
_ANSWER_S: Final = 30.0
_KINDS: Final = ("subuid", "subgid")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Ids from ``first`` on, of somebody."""

    owner: str
    first: int
    size: int

    @property
    def told(self) -> str:
        return f"{self.first}-{self.first + self.size - 1}"

    def holds(self, number: int) -> bool:
        return self.first <= number < self.first + self.size

    def meets(self, other: _Range) -> bool:
        return self.first < other.first + other.size and other.first < self.first + self.size


def subordinate_ids(
    launcher: Launcher, etc: Path = Path("/etc"), accounts: Iterable[int] | None = None
) -> CheckFacts:
    """Look them up, hold them against accounts and other users' ranges, and have them mapped once.

    Parameters
    ----------
    etc : Path
        The folder of ``subuid`` and ``subgid``, where no ``getsubids`` answers.
    accounts : iterable of int, optional
        Ids of the accounts here; those that are listed unless given.

    References
    ----------
    subuid(5), newuidmap(1), user_namespaces(7).
    """
    user = launcher.user
    if user.uid == 0:
        return CheckFacts(what=_WHAT, state=CheckState.UNKNOWN, sentence="root needs none, and only looks")
    names = {user.name, str(user.uid)}
    own = {
        kind: [*dict.fromkeys(each for each in _ranges(kind, launcher, etc) if each.owner in names)]
        for kind in _KINDS  # what is listed twice is there once
    }
    if short := [kind for kind, found in own.items() if sum(each.size for each in found) < _ENOUGH]:
        have = sum(each.size for each in own[short[0]])
        number = f"only {have}" if have else "no"
        return CheckFacts(
            what=_WHAT,
            state=CheckState.LOST,
            sentence=f"{user.name} has {number} subordinate ids ({', '.join(short)})",
            costs=_COST,
            remedy=f"As root: usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST {user.name}, "
            f"{_ENOUGH} ids that nobody else has.",
        )
    told = ", ".join(each.told for each in own["subuid"])
    if refused := _refused(launcher):
        return CheckFacts(
            what=_WHAT,
            state=CheckState.LOST,
            sentence=f"{user.name} has {told}, but they cannot be mapped: {refused}",
            costs=_COST,
            remedy="newuidmap and newgidmap must be there, with their setuid bit or capability. "
            "Debian: apt-get install uidmap. Red Hat: dnf install shadow-utils-subid.",
        )
    if shared := [*_shared(own["subuid"], names, launcher, etc, accounts)]:
        return CheckFacts(
            what=_WHAT,
            state=CheckState.CONDITION,
            sentence=f"the subordinate ids of {user.name}, {told}, are also those of {', '.join(shared)}",
            costs="what a container writes may belong to them, and what is theirs to a container",
            remedy="Let an administrator give ranges that overlap with no account and no other range.",
        )
    sentence = f"{user.name} has {told}; no account that is listed and no other range has any of them"
    return CheckFacts(what=_WHAT, state=CheckState.SOUND, sentence=sentence)


def _ranges(kind: str, launcher: Launcher, etc: Path) -> Iterator[_Range]:
    """Read the ranges of everybody; those of one user are told by a directory too, through ``getsubids``."""
    user, told = launcher.user, False
    argv = ("getsubids", *(("-g",) if kind == "subgid" else ()), user.name)
    if launcher.find(argv[0]):
        done = launcher.run(Command(argv=argv, env=user.env), timeout_s=_ANSWER_S)
        for line in done.stdout.decode(errors="replace").splitlines() if done.ok else ():
            words = line.split()  # 0: NAME FIRST COUNT
            if len(words) == 4 and words[2].isdigit() and words[3].isdigit():
                told = True
                yield _Range(owner=user.name, first=int(words[2]), size=int(words[3]))
    for line in text_of(etc / kind).splitlines():
        owner, _, rest = line.partition(":")
        first, _, size = rest.partition(":")
        if first.isdigit() and size.isdigit() and not (told and owner in {user.name, str(user.uid)}):
            yield _Range(owner=owner, first=int(first), size=int(size))


def _refused(launcher: Launcher) -> str:
    """Map them once; empty where that works, or where this ``unshare`` cannot be asked to."""
    argv = ("unshare", "--user", "--map-auto", "--map-root-user", "true")
    done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)
    said = reason_of(done)
    asked = not done.ok and ("newuidmap" in said or "newgidmap" in said)
    return said if asked else ""


def _shared(
    own: Iterable[_Range],
    names: Iterable[str],
    launcher: Launcher,
    etc: Path,
    accounts: Iterable[int] | None,
) -> Iterator[str]:
    """Name whoever has the same ids; accounts by number, for a name says nothing here."""
    known = {entry.pw_uid for entry in pwd.getpwall()} if accounts is None else {*accounts}
    mine = [*own]
    if taken := sorted(number for number in known if any(each.holds(number) for each in mine)):
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        yield f"an account (uid {taken[0]}{more})"
    others = [each for each in _ranges("subuid", launcher, etc) if each.owner not in names]
    if meeting := sorted({each.owner for each in others for one in mine if one.meets(each)}):
        yield f"{len(meeting)} other user{'s' * (len(meeting) > 1)} in subuid(5)"
