"""What is kept of images between runs: files in the user's cache, and images in the engines' stores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.build import noted_image
from evaluation.images.convert import kept_form, size_of
from evaluation.images.holding import changing
from evaluation.images.process import Run, UnreadableCacheError, must
from evaluation.reasons import reason_of
from evaluation.runtimes.base import Runtime

__all__ = ["Kept", "kept", "remove"]

# Podman puts a registry's name before ours, which a docker-archive does not have.
_OURS = re.compile(r"(?:(?:localhost|[\w-]+(?:\.[\w-]+)+)/)?container-evaluation/[\w.-]+:[\w.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One thing that is kept; its size in bytes, or ``None`` where nobody knows."""

    image: str
    """The name of its recipe."""
    what: str
    where: str
    size_bytes: int | None
    remove: tuple[tuple[str, ...], ...]
    """Commands that remove it."""
    is_folder: bool = False
    """Whether ``where`` is a folder of the cache, and not an engine's store."""


def kept(cache: Path, runtimes: Iterable[Runtime], run: Run) -> tuple[Kept, ...]:
    """List what is kept, the files first.

    Parameters
    ----------
    cache : Path
        The user's cache folder of this project.
    runtimes : iterable of Runtime
        Those that are here: the engines among them are asked for images of ours.
    run : callable
        Starts a process as the measuring user.
    """
    return (*_files(cache / "images", run), *(item for runtime in runtimes for item in _images(runtime, run)))


def remove(items: Iterable[Kept], run: Run) -> None:
    """Remove what is kept.

    Raises
    ------
    EvaluationError
        Something could not be removed, or a measurement uses it; what comes before it was removed.
    """
    for item in items:
        *before, last = item.remove
        with changing(Path(item.where), run) if item.is_folder else nullcontext():
            for argv in before:
                run(argv, b"", 120.0)
            must(run, last)


def _files(folder: Path, run: Run) -> Iterator[Kept]:
    listed = run(("find", str(folder), "-mindepth", "1", "-maxdepth", "1", "-type", "d"), b"", 60.0)
    for path in map(Path, sorted(listed.stdout.decode().splitlines()) if listed.ok else []):
        state = _state(path)
        yield Kept(
            image=path.name.rpartition("-")[0],
            what=f"image {path.name}, {state}",
            where=str(path),
            size_bytes=size_of(str(path), (), run),
            # What a form holds may be closed even to its owner.
            is_folder=True,
            remove=(("chmod", "-R", "u+rwX", str(path)), ("rm", "-rf", "--one-file-system", str(path))),
        )


def _state(path: Path) -> str:
    try:
        if not noted_image(path):
            return "of another version of this tool, or never finished"
        forms = [note.stem for note in sorted(path.glob("forms/*.json")) if kept_form(note)]
    except UnreadableCacheError as error:
        return error.what
    return f"in the forms of {', '.join(forms)}" if forms else "in no form yet"


def _images(runtime: Runtime, run: Run) -> Iterator[Kept]:
    if not runtime.has_engine:
        return
    engine = (runtime.command, *runtime.engine_options, "image")
    listed = run((*engine, "ls", "--format", "{{.Repository}}:{{.Tag}}"), b"", 60.0)
    if not listed.ok:
        raise EvaluationError(f"its images cannot be listed: {reason_of(listed)}", where=runtime.id)
    for name in sorted(set(listed.stdout.decode().split())):
        if _OURS.fullmatch(name):
            yield Kept(
                image=name.rpartition("/")[2].partition(":")[0],
                what=f"image {name}",
                where=f"{runtime.id}'s store",
                size_bytes=size_of("", runtime.stored(name), run),
                remove=((*engine, "rm", name),),
            )
