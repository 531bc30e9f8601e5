"""A folder of the measuring user's for the moment, made and removed as that user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.measure.launcher import Command, Launcher

__all__ = ["user_folder"]

_ANSWER_S = 30.0


@contextmanager
def user_folder(launcher: Launcher, beside: Path) -> Iterator[str]:
    """Make one in the folder ``beside`` if there is one: a site may admit images by where they lie.

    Yields
    ------
    str
        Its path; empty where none could be made.
    """
    where = (f"--tmpdir={beside}",) if beside.is_dir() else ("--tmpdir",)
    argv = ("mktemp", "--directory", *where, "container-evaluation.XXXXXX")
    made = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)
    path = made.stdout.decode(errors="replace").strip() if made.ok else ""
    try:
        yield path
    finally:
        if path:
            argv = ("rm", "-rf", "--one-file-system", path)
            launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)
