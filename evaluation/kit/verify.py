"""Hold a kit against its own list of files: a script that imports the standard library alone.

``sha256sum --check SHA256SUMS`` asks the same without any code of the kit's.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SUMS", "changed", "listed"]

SUMS = "SHA256SUMS"
"""The list, in the kit's folder, as sha256sum(1) writes and reads it."""


def listed(kit: Path) -> dict[str, str]:
    """Read the list: SHA-256 by path.

    Raises
    ------
    ValueError
        A line is none of such a list.
    """
    found = {}
    for number, line in enumerate((kit / SUMS).read_text(encoding="utf-8").splitlines(), start=1):
        digest, two, path = line[:64], line[64:66], line[66:]
        if two != "  " or not path or set(digest) - set("0123456789abcdef"):
            message = f"{SUMS}, line {number}: is no digest with a path"
            raise ValueError(message)
        found[path] = digest
    return found


def changed(kit: Path, files: dict[str, str]) -> Iterator[str]:
    """Name every file that is not as it was made, and how."""
    for path, digest in files.items():
        try:
            with (kit / path).open("rb") as stream:
                is_now = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            yield f"{path}: {error.strerror}"
            continue
        if is_now != digest:
            yield f"{path}: changed"


def _main(kit: Path) -> int:
    try:
        files = listed(kit)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"evaluate: the kit cannot be verified: {error}\n")
        return 1
    faults = list(changed(kit, files))
    for fault in faults:
        sys.stderr.write(f"evaluate: {fault}\n")
    if faults:
        sys.stderr.write(f"evaluate: {len(faults)} of {len(files)} files are not as they were made\n")
        return 1
    own = hashlib.sha256((kit / SUMS).read_bytes()).hexdigest()
    sys.stdout.write(f"{len(files)} files are as they were made\nSHA-256 of {SUMS}: {own}\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
