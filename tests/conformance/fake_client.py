"""A FAKE container client for the conformance list's own tests. It isolates nothing.

Usage: ``fake_client.py STATE [--flaw=NAME]... run [options] IMAGE -- command``, ``list``, ``remove NAME``
and ``serve``. What is bound appears below ``STATE/root`` as a symbolic link. Each flaw breaks one promise,
so that a check can be seen to fail. With the flaw ``engine`` a server runs the command, out of sight of
whoever started the client.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

IMAGE = "fake-image"
MARK = "FAKE_CONTAINER"


class FakeError(Exception):
    pass


PAYLOAD = """#!/bin/sh
echo '{"what": "digest", "sha256": "'"${FAKE_DIGEST:-made up}"'", "added": 2, "first_added": "etc/made-up"}'
"""
"""A FAKE payload: it looks at no image, and says what the client has it say."""


def place_payload(folder: Path) -> Path:
    folder.mkdir()
    program = folder / "probe"
    program.write_text(PAYLOAD)
    for path in (folder, program):
        path.chmod(0o755)
    return folder


def show(source: Path, shown: Path, *, copied: bool, locked: bool) -> None:
    """Show a directory below the root: the thing itself, or a copy, which nobody may write if locked."""
    if shown.is_symlink():
        shown.unlink()
    elif shown.exists():
        shown.chmod(0o755)
        shutil.rmtree(shown)
    if not copied:
        shown.symlink_to(source)
        return
    shutil.copytree(source, shown)
    if locked:
        for path in (*shown.iterdir(), shown):
            path.chmod(0o555)


def mount(state: Path, bind: str, flaws: set[str]) -> None:
    source_text, target, wants_read_only = json.loads(bind)
    if "strip-names" in flaws:
        source_text = "".join(letter for letter in source_text if letter.isascii() and letter not in " ,$")
    source = Path(source_text)
    if "make-sources" in flaws:
        source.mkdir(exist_ok=True)
    if not source.exists() and "skip-sources" not in flaws:
        raise FakeError(f"nothing to bind at {source}")
    read_only = wants_read_only and "writable" not in flaws
    show(
        source,
        state / "root" / target.lstrip("/"),
        copied=read_only or "copy-binds" in flaws,
        locked=read_only and "scratch-layer" not in flaws,
    )


def environment(settings: list[str], flaws: set[str]) -> dict[str, str]:
    inside = {} if "clean-env" in flaws else dict(os.environ)
    inside.setdefault("PATH", os.environ["PATH"])
    if "strip-env" in flaws:
        settings = [text.strip() for text in settings]
    inside |= dict(text.split("=", 1) for text in settings)
    if "no-path" in flaws:
        del inside["PATH"]
    if "other-image" in flaws:
        inside["FAKE_DIGEST"] = "another one"
    return inside


def run(state: Path, flaws: set[str], words: list[str]) -> int:
    split = words.index("--")
    words, command = words[:split], words[split + 1 :]
    parser = argparse.ArgumentParser(prog="fake", add_help="image-option" in flaws)
    parser.add_argument("--bind", action="append", default=[])
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--workdir")
    parser.add_argument("--name", required=True)
    parser.add_argument("image")
    # Without the flaw the image is never looked at as an option.
    options = parser.parse_args(words if "image-option" in flaws else [*words[:-1], "--", words[-1]])
    if "image-shell" in flaws:
        subprocess.run(("sh", "-c", f"echo {options.image}"), stdout=subprocess.DEVNULL, check=False)
    if options.image != IMAGE and "any-image" not in flaws:
        raise FakeError(f"there is no image {options.image}")
    held = state / "held" / (options.name or "unnamed")
    held.touch()
    for bind in options.bind:
        mount(state, bind, flaws)
    inside = environment(options.env, flaws)
    workdir = options.workdir or "/"
    if "ignore-workdir" in flaws or ("fall-back" in flaws and not Path(workdir).is_dir()):
        workdir = "/"
    if "fall-back-aloud" in flaws and not Path(workdir).is_dir():
        sys.stderr.write(f"fake: no {workdir}, going on in /\n")
        workdir = "/"
    if not Path(workdir).is_dir():
        raise FakeError(f"there is no directory {workdir}")
    if "drop-empty-words" in flaws:
        command = [word for word in command if word]
    if "engine" in flaws:
        (state / "asked" / options.name).write_text(json.dumps(command))
        time.sleep(60)
    status = start(command, inside, workdir, flaws)
    if status != 128 + signal.SIGKILL:  # what was killed is kept until it is removed
        held.unlink(missing_ok=True)
    return status


def start(command: list[str], inside: dict[str, str], workdir: str, flaws: set[str]) -> int:
    output = subprocess.PIPE if flaws & {"text-only", "cut-output"} else None
    program = shutil.which(command[0])
    if not program:
        raise FakeError(f"cannot run {command[0]}")
    done = subprocess.run(
        (program, *command[1:]),
        env=inside,
        cwd=workdir,
        stdin=subprocess.DEVNULL if "close-stdin" in flaws else None,
        stdout=output,
        stderr=subprocess.STDOUT if "merge-streams" in flaws else None,
        check=False,
    )
    if "text-only" in flaws:
        sys.stdout.write(done.stdout.decode("ascii", errors="replace"))
    if "cut-output" in flaws:
        sys.stdout.buffer.write(done.stdout[: 1 << 20])
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    if (status and "one-status" in flaws) or (done.returncode < 0 and "lose-signal" in flaws):
        return 1
    return status


def serve(state: Path) -> None:
    """Run what clients ask for, until told to stop; what is not held any more is ended."""
    names: set[str] = set()
    while not (state / "stop").exists():
        for request in (state / "asked").iterdir():
            with contextlib.suppress(ValueError):  # half written
                command = json.loads(request.read_text())
                subprocess.Popen(command, env={**os.environ, MARK: request.name})
                names.add(request.name)
                request.unlink()
        for name in [name for name in names if not (state / "held" / name).exists()]:
            end(name)
            names.remove(name)
        time.sleep(0.01)
    for name in names:
        end(name)


def end(name: str) -> None:
    """Kill every process of a container, as a cgroup would."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={name}".encode() in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def main() -> int:
    state = Path(sys.argv[1])
    flaws = {word.removeprefix("--flaw=") for word in sys.argv[2:] if word.startswith("--flaw=")}
    verb, *words = sys.argv[2 + len(flaws) :]
    if verb == "run":
        try:
            return run(state, flaws, words)
        except FakeError as error:
            if "quiet" in flaws:
                return 1
            sys.stderr.write(f"fake: {error}\n")
            return 125
    if verb == "list":
        sys.stdout.writelines(f"{path.name}\n" for path in (state / "held").iterdir())
    if verb == "remove":
        (state / "held" / words[0]).unlink(missing_ok=True)
    if verb == "serve":
        serve(state)
    return 0


if __name__ == "__main__":
    sys.exit(main())
