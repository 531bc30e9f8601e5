"""Calls a function that lies in a file as a pickle: ``python -m ... CALL RESULT``."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

__all__ = ["main"]


def main(call: str, result: str) -> None:
    """Read a call, make it, and leave whether it worked, with what it gave or raised."""
    function, args = pickle.loads(Path(call).read_bytes())  # noqa: S301 - the submitter's own folder
    try:
        answer: tuple[bool, object] = (True, function(*args))
    except Exception as error:  # noqa: BLE001 - it is the caller's
        answer = (False, error)
    partial = Path(f"{result}.part")
    partial.write_bytes(pickle.dumps(answer))
    partial.replace(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
