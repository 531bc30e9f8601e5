"""A FAKE shifter: a plain script that plays the contract of the real one. It isolates nothing.

It runs its command in place, drops the characters that Shifter drops, and fails with Shifter's messages
and its exit status 1. ``FAKE_SHIFTER_ROOT`` names the directory below which volumes appear.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from fake_client import show


def fail(message: str, status: int = 1) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(status)


def volume(value: str, root: Path) -> None:
    source, target, *flags = re.sub(r"[^A-Za-z0-9_:.+\-/]", "", value).split(":")
    if not Path(source).is_dir():
        fail(f"FAILED to find real path for volume {source}")
    if not re.match(r"/(?!etc|var(?!/tmp)|opt$)[^.]", target):
        fail(f"Invalid Volume Map: {value}")
    read_only = flags == ["ro"]
    show(Path(source), root / target.lstrip("/"), copied=read_only, locked=read_only)


def image(value: str) -> None:
    kind, _, tag = re.sub(r"[^A-Za-z0-9_:.+\-/@]", "", value).partition(":")
    if kind != "local" or not Path(tag).is_dir():
        fail("FAILED to stat udi source.")


def setting(value: str) -> tuple[str, str]:
    key, _, text = value.partition("=")
    if not text:
        fail(f"no value for {key}")
    return key, text


def enter(workdir: str) -> None:
    if not Path(workdir).is_dir():
        sys.stderr.write(f"no {workdir} inside, going on in /\n")
        workdir = "/"
    os.chdir(workdir)


def main() -> None:
    root = Path(os.environ["FAKE_SHIFTER_ROOT"])
    if os.getuid() == 0:
        fail("Failed to lookup username or attempted to run as root.")
    inside, workdir, words = dict(os.environ), str(Path.cwd()), sys.argv[1:]
    while words and words[0].startswith("--"):
        option, _, value = words.pop(0).partition("=")
        if option == "--":
            break
        if option == "--image":
            image(value)
        elif option == "--volume":
            volume(value, root)
        elif option == "--env":
            inside |= [setting(value)]
        elif option == "--workdir":
            workdir = value
        else:
            fail(f"there is no option {option}")
    enter(workdir)
    try:
        os.execvpe(words[0], words, inside)  # noqa: S606 - in place, as the real one does it
    except OSError as error:
        fail(f"{words[0]}: {error.strerror}", 127)


if __name__ == "__main__":
    main()
