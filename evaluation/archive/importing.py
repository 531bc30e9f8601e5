"""An archive from elsewhere, added to the results whole or not at all. Nothing in it is ever run."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.archive.container import ASK_AGAIN, damaged, read
from evaluation.errors import EvaluationError
from evaluation.files import digest_of, read_lines, read_object
from evaluation.model import FAKE
from evaluation.store import Run, require_results

__all__ = ["Added", "add"]

_TAKEN = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})
"""How rename(2) says of a folder that something is there already under its new name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A run that was added, what came with it, and the SHA-256 of the archive that they came in."""

    run: Run
    beside: tuple[Run, ...]
    sha256: str


def add(
    path: Path,
    results: Path,
    *,
    sha256: str = "",
    sites: Collection[str] | None = None,
    usable: Callable[[Run], None] = lambda _: None,
) -> Added:
    """Check an archive and add its run to the results, with what comes beside it.

    Parameters
    ----------
    path : Path
        The archive.
    results : Path
        The folder of the results.
    sha256 : str, optional
        What the sender says the archive's SHA-256 is.
    sites : collection of str, optional
        The sites that are described here; of another one nothing is added.
    usable : callable, optional
        Reads each run as a report will, and raises where that does not work.

    Raises
    ------
    EvaluationError
        It is damaged, was changed, is here already, or is of a newer format. Nothing was added.
    """
    header, files, digest = read(path)
    if sha256 and sha256.lower() != digest:
        raise damaged(path, f"not what its sender packed: its SHA-256 is {digest}, not {sha256}")
    if sites is not None and header.site not in sites:
        raise EvaluationError(
            f"comes from the site {header.site}, which is not described here; nothing was added",
            where=str(path),
            advice=f"Ask for its sites/{header.site}.yaml, or begin one: evaluation site new {header.site}.",
        )
    home = results / header.site
    coming = {
        name: {file.removeprefix(place): data for file, data in files.items() if _place_of(file) == place}
        for place, name in header.runs.items()
    }
    here = {name for name in coming if (home / name).is_symlink() or (home / name).exists()}
    for name in sorted(here):
        if name == header.run or not _same(home / name, coming[name]):
            raise _here_already(path, home / name, coming[name])
    require_results(results, header.site)
    folder = Path(tempfile.mkdtemp(prefix=".import-", dir=results))
    try:
        # Two levels down, where nobody who looks for runs finds it.
        for name in coming.keys() - here:
            staged = folder / "new" / name
            staged.mkdir(parents=True)
            staged.chmod(0o755)
            for file, data in coming[name].items():
                (staged / file).write_bytes(data)  # the names are those of `container.FILES`
            _assert_sound(Run(staged), header.site, path, usable)
            for file in coming[name]:
                _on_disk(staged / file)
        home.mkdir(exist_ok=True)
        _move(folder / "new", home, [name for name in coming if name not in here], path, coming)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Added(
        run=Run(home / header.run),
        beside=tuple(Run(home / name) for name in header.beside.values()),
        sha256=digest,
    )


def _place_of(name: str) -> str:
    place, slash, _ = name.rpartition("/")
    return place + slash


def _move(
    staged: Path, home: Path, names: Sequence[str], path: Path, coming: Mapping[str, Mapping[str, bytes]]
) -> None:
    """Put all of them where runs are, the measurement last; or none, where another came in between."""
    moved: list[str] = []
    for name in reversed(names):
        try:
            (staged / name).rename(home / name)  # fails where there is a folder with anything in it
        except OSError as error:
            for other in moved:
                (home / other).rename(staged / other)
            if error.errno not in _TAKEN:
                raise
            raise _here_already(path, home / name, coming[name]) from None
        moved.append(name)


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.fsync(descriptor)
    os.close(descriptor)


def _same(target: Path, files: Mapping[str, bytes]) -> bool:
    sentinel = target / "complete.json"
    return sentinel.is_file() and sentinel.read_bytes() == files["complete.json"]


def _here_already(path: Path, target: Path, files: Mapping[str, bytes]) -> EvaluationError:
    same = _same(target, files)
    what = "is here already" if same else "holds a run of a name that is here already, with other contents"
    return EvaluationError(
        f"{what}; nothing was added",
        where=str(path),
        advice=f"It is {target}. "
        + ("There is nothing to do." if same else "Ask the site which one counts."),
    )


def _assert_sound(run: Run, site: str, path: Path, usable: Callable[[Run], None]) -> None:
    try:
        _read_all(run, site, path)
        usable(run)
    except EvaluationError as error:
        if error.where == str(path):
            raise
        # Where it was looked at is gone by now: name the file in the archive instead.
        where = error.where.replace(f"{run.path}/", "").replace(str(run.path), run.path.name)
        raise EvaluationError(
            f"{where}: {error.what}; nothing was added", where=str(path), advice=error.advice or ASK_AGAIN
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with somebody else's text, it is not sound
        raise damaged(path, f"not sound ({type(error).__name__})") from None


def _read_all(run: Run, site: str, path: Path) -> None:
    """Read all of it, as everything that comes later will."""
    manifest = run.manifest
    if (manifest.site, manifest.run) != (site, run.path.name):
        raise damaged(path, "not sound: its header and its manifest name different runs")
    run.verify()
    _assert_complete(run, path)
    run.outputs()
    run.residue()
    if run.archived is None:
        raise damaged(path, "not sound: its sentinel does not say what was hidden")
    evidence = run.evidence()
    for item in run.observations():
        if item.runtime.startswith(FAKE):
            raise damaged(path, f"not sound: {item.runtime!r} is a runtime of the tests")
        if isinstance(item.value, float) and not math.isfinite(item.value):
            raise damaged(path, f"not sound: {item.probe} has a value that is no number")
        if unknown := {*item.evidence} - {*evidence}:
            raise damaged(path, f"not whole: it lacks the evidence {min(unknown)[:12]!r} of {item.probe}")


def _assert_complete(run: Run, path: Path) -> None:
    sentinel = read_object(run.path / "complete.json")
    named = sentinel.get("sha256")
    there = {file.name for file in run.path.iterdir()} - {"complete.json"}
    if not isinstance(named, dict) or {*named} != there:
        raise damaged(path, "not whole: its sentinel does not name all of its files")
    if any(digest_of(run.path / name) != digest for name, digest in named.items()):
        raise damaged(path, "not whole: its sentinel is of other files")
    turns = [str(row.get("turn")) for _, row in read_lines(run.path / "observations.jsonl", torn_end=False)]
    if len(turns) != len({*turns}):
        raise damaged(path, "not sound: a turn is in it twice")
    if sentinel.get("turns") != len(turns):
        raise damaged(path, "not whole: its sentinel counts other turns")
