"""FAKES of podman-hpc, enroot and Sarus: one plain script that plays their contracts. It isolates nothing.

Named ``podman-hpc``, ``enroot`` or ``sarus``, it reads its words as that one does, shows what is bound below
``FAKE_ROOT``, and runs the command in place. What it is asked is kept in ``FAKE_ROOT/asked``, a line each.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from fake_client import show

IMAGE = "fake-image"


def fail(message: str, status: int) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(status)


class Asked:
    """What a command line asks for."""

    def __init__(self) -> None:
        self.env: dict[str, str] = {}
        self.binds: list[tuple[str, str, bool]] = []
        self.workdir = ""

    def mount(self, text: str) -> None:
        """Read ``type=bind,source=...``, as podman and Sarus do."""
        fields = dict(part.partition("=")[::2] for part in text.split(","))
        target = fields.get("target") or fields["destination"]
        self.binds.append((fields["source"], target, "readonly" in fields))

    def line(self, text: str) -> None:
        """Read a line of enroot's mount file."""
        source, target, _, options = text.split(":")
        self.binds.append((source, target, "ro" in options.split(",")))

    def set(self, text: str) -> None:
        key, _, value = text.partition("=")
        self.env[key] = value


def podman_hpc(words: list[str], asked: Asked) -> list[str]:
    if words[0] in {"ps", "rm"}:  # what ran in place is gone
        sys.exit(0)
    if words[0] != "run":
        fail(f"Error: unrecognized command `podman {words[0]}`", 125)
    words = words[1:]
    while words[0].startswith("--"):
        option = words.pop(0)
        if option == "--mount":
            asked.mount(words.pop(0))
        elif option == "--env":
            asked.set(words.pop(0))
        elif option == "--workdir":
            asked.workdir = words.pop(0)
        elif option in {"--pull", "--name"}:
            words.pop(0)
        elif option not in {"--rm", "--interactive", "--tty"}:
            fail(f"Error: unknown flag: {option}", 125)
    if words.pop(0) != IMAGE:
        fail("Error: no such image", 125)
    return words


def enroot(words: list[str], asked: Asked) -> list[str]:
    if words[0] != "start" or not os.environ.get("ENROOT_DATA_PATH"):
        fail(f"[ERROR] Invalid argument: {words[0]}", 1)
    words = words[1:]
    while words[0].startswith("--") and (option := words.pop(0)) != "--":
        if option not in {"--mount", "--env"}:
            fail(f"[ERROR] Invalid argument: {option}", 1)
        (asked.line if option == "--mount" else asked.set)(words.pop(0))
    if words.pop(0) != IMAGE:
        fail("[ERROR] No such file or directory", 1)
    return words


def sarus(words: list[str], asked: Asked) -> list[str]:
    if words[0] != "run":
        fail(f"[1.1] [fake-1] [main] [ERROR] '{words[0]}' is not a Sarus command", 1)
    words = words[1:]
    while words[0].startswith("--"):
        option, _, value = words.pop(0).partition("=")
        if option == "--mount":
            asked.mount(value)
        elif option == "--env":
            asked.set(value)
        elif option == "--workdir":
            asked.workdir = value
        elif option != "--tty":
            fail(f"[1.1] [fake-1] [main] [ERROR] unrecognised option '{option}'", 1)
    if words.pop(0) != IMAGE:
        fail("[1.1] [fake-1] [main] [ERROR] Specified image is not available", 1)
    return words


KINDS = {
    "podman-hpc": (podman_hpc, "Error: {}", 125),
    "enroot": (enroot, "[ERROR] {}", 1),
    "sarus": (sarus, "[1.1] [fake-1] [main] [ERROR] {}", 1),
}


def main() -> None:
    root, asked = Path(os.environ["FAKE_ROOT"]), Asked()
    with (root / "asked").open("a") as kept:
        kept.write(json.dumps(sys.argv) + "\n")
    read, form, status = KINDS[Path(sys.argv[0]).name]
    words = read(sys.argv[1:], asked)
    for source, target, read_only in asked.binds:
        if not Path(source).exists():
            fail(form.format(f"{source}: no such file or directory"), status)
        show(Path(source), root / target.lstrip("/"), copied=read_only, locked=read_only)
    inside = {**os.environ, **asked.env}
    if asked.workdir and not Path(asked.workdir).is_dir():
        fail(form.format(f"{asked.workdir}: no such directory"), status)
    os.chdir(asked.workdir or "/")
    try:
        os.execvpe(words[0], words, inside)  # noqa: S606 - in place
    except OSError as error:
        fail(form.format(f"{words[0]}: {error.strerror}"), 127 if status == 125 else status)


if __name__ == "__main__":
    main()
