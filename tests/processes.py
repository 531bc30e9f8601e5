"""Looking at real processes from a test."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path


def unique_seconds() -> str:
    """A time for ``sleep`` that nobody else asks for: by it a test finds its own processes."""
    return f"{600 + secrets.randbelow(300)}.{secrets.randbelow(10**9):09}"


def running(marker: str) -> list[int]:
    """Process ids whose command line holds a word; one that has ended has no command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if marker in words:
                found.append(int(entry.name))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Wait until something is so. The limit is generous: it tells a hang from a busy machine."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True
