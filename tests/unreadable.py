"""Folders that cannot be read, as a home directory on NFS is closed to root: the system refuses, no fake."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["unreadable"]

_NOBODY = 65534


@contextmanager
def unreadable() -> Iterator[None]:
    """Have no right to anything that is closed to others; pytest's own folders are."""
    if os.getuid() != 0:
        pytest.skip("only root can lay its rights down for a moment")
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
