"""The kit: one file with all that a site contact needs; and what our code asks of the kit that it is in."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CARRIED", "PREBUILT", "TRIAL", "account_told", "groups_told", "kit_folder", "typed"]

CARRIED = "images"
"""The folder of the images, in the kit's."""
PREBUILT = "payload"
"""The folder of the payload, in the kit's."""
TRIAL = "trial"
"""The static program that the doctor tries, in the kit's folder."""


def kit_folder() -> Path | None:
    """Give the folder of the kit that this process was started from; ``None`` outside of one.

    Its ``evaluate`` names it in the environment (``EVALUATION_KIT``).
    """
    named = os.environ.get("EVALUATION_KIT", "")
    return Path(named) if named else None


def typed(make: str, command: str) -> str:
    """Say what to type: a target of make, or the same by the kit's own command."""
    return f"./evaluate {command}" if kit_folder() else f"make {make}"


def account_told(uid: int) -> pwd.struct_passwd | None:
    """Give the account as the site's own ``getent`` told it to the kit; ``None`` where it did not.

    The kit's C library may not be able to ask the directory that a site keeps its accounts in.
    """
    for fields in _told():
        if len(fields) == 7 and fields[2] == str(uid) and fields[3].isdigit():
            name, password, _, group, *rest = fields
            return pwd.struct_passwd((name, password, uid, int(group), *rest))
    return None


def groups_told(first: int) -> set[str]:
    """Give the names of the user's groups from this number on, as the site's own ``getent`` told them."""
    groups = (fields for fields in _told() if len(fields) == 4 and fields[2].isdigit())
    return {fields[0] for fields in groups if int(fields[2]) >= first}


def _told() -> Iterator[list[str]]:
    for line in os.environ.get("EVALUATION_ACCOUNT", "").splitlines():
        yield line.split(":")
