"""Kinds of machine: what the tools that we use call each, where its libraries lie, and what loads them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["MACHINES", "Machine", "this_machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One kind of machine, by the name that ``uname -m`` prints."""

    name: str
    debian: str
    """Debian's name for it, which is that of images too (GOARCH)."""
    libraries: str
    """The folder of its libraries, below ``/usr/lib``."""
    loader: str
    """The dynamic loader, in that folder."""


MACHINES: Final[Mapping[str, Machine]] = {
    each.name: each
    for each in (
        Machine(name="x86_64", debian="amd64", libraries="x86_64-linux-gnu", loader="ld-linux-x86-64.so.2"),
        Machine(
            name="aarch64", debian="arm64", libraries="aarch64-linux-gnu", loader="ld-linux-aarch64.so.1"
        ),
    )
}
"""Those that the project is written for. On others nothing but x86-64's is looked for."""


def this_machine() -> Machine:
    """Give the kind of the machine that we run on."""
    return MACHINES.get(platform.machine(), MACHINES["x86_64"])
