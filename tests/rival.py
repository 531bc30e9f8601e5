"""An unprivileged process that exchanges what root works with for links, as fast as it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["AS_ROOT", "NOBODY", "PRECIOUS", "Race"]

AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can be led astray by another user")
NOBODY = 65534
PRECIOUS = "precious"
_SCRIPT = """
import os, sys
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
victim, *places = sys.argv[1:]
print("ready", flush=True)
while True:
    for place in places:
        here, aside = place + "/" + NAME, place + "/.aside"
        for step, arguments in STEPS:
            try:
                step(*(word.format(here=here, aside=aside, victim=victim) for word in arguments))
            except OSError:
                pass
"""
# What is there goes aside, a link to the victim stands in its place, and back again.
_EXCHANGE = (
    "((os.rename, ('{here}', '{aside}')), (os.symlink, ('{victim}', '{here}')), "
    "(os.unlink, ('{here}',)), (os.rename, ('{aside}', '{here}')))"
)
# A directory, then a link, under one name.
_FLICKER = (
    "((os.mkdir, ('{here}',)), (os.rmdir, ('{here}',)), (os.symlink, ('{victim}', '{here}')), "
    "(os.unlink, ('{here}',)))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """A folder of the rival's, and a folder of root's, closed to the rival, that must stay as it is."""

    work: Path
    victim: Path

    def lost(self) -> str:
        """Say what happened to the victim; empty where nothing did."""
        found = {path.name: oct(path.lstat().st_mode & 0o7777) for path in self.victim.iterdir()}
        if found != {PRECIOUS: oct(0o640)}:
            return f"in the victim's folder there is {found}"
        if (self.victim / PRECIOUS).read_text() != "mine":
            return "the victim's file was written"
        status = self.victim.lstat()
        return "" if (status.st_uid, status.st_mode & 0o7777) == (0, 0o700) else "the folder's mode changed"

    @contextmanager
    def against(self, name: str, *, place: Path | None = None, flicker: bool = False) -> Iterator[None]:
        """Let the rival exchange what is called so, or make it a folder and a link by turns."""
        script = _SCRIPT.format(nobody=NOBODY).replace("NAME", repr(name))
        script = script.replace("STEPS", _FLICKER if flicker else _EXCHANGE)
        with subprocess.Popen(
            [sys.executable, "-c", script, str(self.victim), str(place or self.work)],
            stdout=subprocess.PIPE,
        ) as rival:
            assert rival.stdout
            rival.stdout.readline()
            try:
                yield
            finally:
                rival.kill()

    def clear(self) -> None:
        """Remove what is in the rival's folder, and what it put aside there."""
        for left in self.work.iterdir():
            with suppress(OSError):
                left.unlink() if left.is_symlink() or left.is_file() else shutil.rmtree(left)

    def repeat(self, attempt: Callable[[], None], times: int = 150) -> None:
        """Do it again and again, each time in an empty folder; stop when the victim was touched."""
        for _ in range(times):
            self.clear()
            attempt()
            assert self.lost() == ""
