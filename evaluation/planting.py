"""What an administrator does once, so that an ordinary user's run can decide: plant canaries, list, remove.

Where they lie and what makes them trusted stands in `evaluation.probes.planted`. Root works in folders that
others may write to here: everything is made, looked at and removed by descriptor (`evaluation.folders`).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from evaluation.errors import EvaluationError
from evaluation.folders import HeldFolder
from evaluation.kit import kit_folder
from evaluation.measure.preparation import build_payload
from evaluation.payload.build import HELPER
from evaluation.probes.canaries import NO_CANARY, PLANT_ONCE, setuid_works_under
from evaluation.probes.planted import CLOSED, DEFAULT_PLACE, FOLDER, distrust, places, planted
from evaluation.probes.security.host_filesystem_bind import closed_place
from evaluation.probes.security.setuid_planting import obstacle
from evaluation.scratch import open_to_others, remove_tree, temporary_folder

__all__ = ["COMMAND", "Lack", "lacking", "listed", "plant", "remove"]

COMMAND: Final = "./evaluate plant" if kit_folder() else "evaluation plant"

_ABOUT: Final = "README"
_CANARIES: Final = {
    HELPER: "a setuid program that tells who runs it, and can do nothing else (P06, P15)",
    CLOSED: "a file that nobody but root may open; it is empty (P39)",
}
_TEXT: Final = f"""\
Canaries of the container runtime evaluation, planted by root on {{day}}.

{HELPER:<10} {_CANARIES[HELPER]}
{CLOSED:<10} {_CANARIES[CLOSED]}

With them an ordinary user can try what a container would let a user do with root's files. Whoever measures
here needs no other privilege. To take them away, as root: {COMMAND} --remove
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """An attempt on what is root's that cannot be made here as things are."""

    what: str
    why: str
    advice: str


def lacking() -> tuple[Lack, ...]:
    """Say which attempts on what is root's have no answer here without root; none for root itself."""
    if os.getuid() == 0:
        return ()
    found = []
    if planted(HELPER) is None:
        found.append(("setuid programs on binds (P06)", NO_CANARY, PLANT_ONCE))
    if closed_place() is None:
        found.append(("files of root's (P39, a knock-out)", NO_CANARY, PLANT_ONCE))
    place = temporary_folder()
    why, advice = obstacle(place)
    if why:
        found.append(("setuid programs left behind (P15, a knock-out)", f"{place}: {why}", advice))
    return tuple(
        Lack(what=what, why=why, advice=f"{advice[0].upper()}{advice[1:]}.") for what, why, advice in found
    )


def plant(place: Path = DEFAULT_PLACE) -> Path:
    """Plant the canaries in a folder of root's below a place; what was planted there before is made anew.

    Raises
    ------
    EvaluationError
        We are not root; there is no such place; others could lead root elsewhere there; setuid programs
        cannot work there; or something that is not root's has the folder's name.
    """
    _require_root()
    place = place.resolve()
    if not place.is_dir():
        raise _refused("there is no such folder", place)
    if loose := open_to_others(place):
        raise _refused(f"others than root can change what is in {loose}", place)
    if not setuid_works_under(place):
        raise _refused("setuid programs cannot work there: it is mounted nosuid or noexec", place)
    with _working_in(place) as scratch:
        helper = (build_payload(scratch) / HELPER).read_bytes()
    with HeldFolder(place) as held:
        _remove(held, place)
        try:
            made = held.make(FOLDER, mode=0o755, uid=0, gid=0)
        except OSError as error:
            raise _refused(f"no folder of root's can be made there: {error.strerror}", place) from None
        with made:
            try:
                _fill(made, helper)
            except BaseException:
                made.empty()
                held.remove_folder(FOLDER)
                raise
    return place / FOLDER


@contextmanager
def _working_in(place: Path) -> Iterator[Path]:
    """Make a folder of root's for the moment, and for a compiler's files: TMPDIR may be a user's own."""
    scratch, before = Path(mkdtemp(prefix=f"{FOLDER}-", dir=place)), os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(scratch)
    try:
        yield scratch
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before
        remove_tree(scratch)


def _fill(made: HeldFolder, helper: bytes) -> None:
    today = datetime.now(tz=UTC).date().isoformat()
    made.write(_ABOUT, _TEXT.format(day=today), mode=0o644, uid=0, gid=0)
    made.write(CLOSED, "", mode=0o600, uid=0, gid=0)
    with made.keep(HELPER, helper, mode=0o700, uid=0, gid=0) as kept:
        os.fchmod(kept.fileno(), 0o4755)  # last: writing and changing the owner both clear the bit


def remove(*within: Path) -> tuple[Path, ...]:
    """Remove what was planted within these places, by default all `places`; give the folders that are gone.

    Raises
    ------
    EvaluationError
        We are not root, or something that is not root's has the folder's name.
    """
    _require_root()
    gone = []
    for place in within or places():
        with suppress(FileNotFoundError, NotADirectoryError), HeldFolder(place.resolve()) as held:
            if _remove(held, place):
                gone.append(place / FOLDER)
    return tuple(gone)


def _remove(held: HeldFolder, place: Path) -> bool:
    """Remove the folder with what we plant; the helper loses its bit first, wherever else it is linked."""
    if not held.has(FOLDER):
        return False
    try:
        folder = held.folder(FOLDER)
    except OSError:
        raise _refused(f"{place / FOLDER} is no folder of root's, and was not touched", place) from None
    with folder:
        if folder.owner != 0:
            raise _refused(f"{place / FOLDER} belongs to uid {folder.owner}, and was not touched", place)
        with suppress(OSError), folder.open(HELPER, owner=0) as helper:
            os.fchmod(helper.fileno(), 0)
        for name in (*_CANARIES, _ABOUT):
            folder.remove(name)
    try:
        held.remove_folder(FOLDER)
    except OSError as error:
        raise _refused(f"{place / FOLDER} could not be removed: {error.strerror}", place) from None
    return True


def listed(*within: Path) -> str:
    """Say what is planted within these places, by default all `places`, and whether users' runs trust it."""
    where = within or places()
    folders = [place / FOLDER for place in where if os.path.lexists(place / FOLDER)]
    lines = [line for folder in folders for line in _described(folder)]
    return "\n".join(lines) or f"nothing is planted in {', '.join(map(str, where))}"


def _described(folder: Path) -> Iterator[str]:
    yield f"{folder}:"
    for name, what in _CANARIES.items():
        if doubt := distrust(folder / name):
            yield f"  {name:<10} not trusted: {doubt}"
            continue
        found = (folder / name).lstat()
        since = datetime.fromtimestamp(found.st_mtime, tz=UTC).date().isoformat()
        yield f"  {name:<10} {stat.S_IMODE(found.st_mode):04o}  since {since}  {what}"


def _require_root() -> None:
    if os.getuid() != 0:
        raise EvaluationError(
            "only root can plant what only root may open",
            where=COMMAND,
            advice=f"An administrator runs it once: {COMMAND}; what is planted already: {COMMAND} --list.",
        )


def _refused(what: str, place: Path) -> EvaluationError:
    return EvaluationError(what, where=str(place), advice=f"Name another place: {COMMAND} --in FOLDER.")
