"""Shifter, to the contract read off its setuid build (git 84b7d34).

Shifter drops characters it does not like from volume and image names, in silence: the adapter refuses
such names. Its options with optional arguments take ``=`` only. Every failure of its own is exit status
1, the same as a program's own 1: payloads write a sentinel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Bind, Form, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["RUNTIMES", "Shifter"]

# What Shifter keeps of a volume's path, less the colon that ends it.
_VOLUME = re.compile(r"[A-Za-z0-9_.+\-/]+")
# An absolute path without "." and "..", and the places in which Shifter mounts nothing for users.
_TARGET = re.compile(r"(/(?!\.{1,2}(/|$))[^/]+)+/?")
_FORBIDDEN = re.compile(r"/etc|/var(?!/tmp(/|$))|/opt/?$")
_IMAGE = re.compile(r"(docker|custom|id|local):[A-Za-z0-9_:.+\-/@]+")

# What Shifter says when it fails itself, and what that means to whoever reads it.
_FAILURES = {
    "FAILED to find requested image.": "the image is not on this system: pull it with shifterimg",
    "FAILED to lookup docker image": "the image gateway does not know this image: pull it with shifterimg",
    "FAILED to stat udi source.": "the image's directory cannot be reached",
    "FAILED to find real path for volume": "a volume's source is not visible in the container's own view",
    "Invalid Volume Map": "Shifter refuses this volume",
    "udiRoot.conf must be owned by user root!": "Shifter's configuration is not owned by root",
    "Not running with root privileges, will fail.": "the shifter command has lost its setuid bit",
    "Failed to lookup username or attempted to run as root.": "Shifter does not run for root",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifter(Runtime):
    """``shifter --image=TYPE:TAG -- command``."""

    tells_version: ClassVar[bool] = False
    configuration: ClassVar[Argv] = ("/etc/shifter/*.conf",)

    def argv(self, task: Task) -> Argv:
        """Build the command line, or refuse what Shifter would silently change."""
        if not _IMAGE.fullmatch(task.image):
            raise self.refuse(
                f"the image name {task.image!r} is not TYPE:TAG of the characters Shifter keeps",
                "TYPE is docker, custom, id or local; the rest of A-Z a-z 0-9 _ : . + - / @.",
            )
        if task.image.startswith("local:") and not task.image.startswith("local:/"):
            raise self.refuse(f"{task.image!r}: a local image needs an absolute path")
        if task.writable:
            raise self.refuse("every image is mounted read-only")
        for key, value in task.env:
            if not value:
                raise self.refuse(f"the variable {key} is empty", "Shifter's --env takes no empty value.")
        return (
            *self.pinned(task),
            self.command,
            f"--image={task.image}",
            *self.options,
            *(self._volume(bind) for bind in task.binds),
            *(f"--env={key}={value}" for key, value in task.env),
            *((f"--workdir={task.workdir}",) if task.workdir else ()),
            "--",
            *task.argv,
        )

    def _volume(self, bind: Bind) -> str:
        for path in (bind.source, bind.target):
            if not _VOLUME.fullmatch(path):
                raise self.refuse(
                    f"the volume path {path!r} holds characters that Shifter drops in silence",
                    "Use only A-Z a-z 0-9 _ . + - and / in it.",
                )
        if not bind.source.startswith("/"):
            raise self.refuse(f"the volume source {bind.source!r} is not absolute")
        if not _TARGET.fullmatch(bind.target) or _FORBIDDEN.match(bind.target):
            raise self.refuse(
                f"Shifter refuses the volume target {bind.target!r}",
                "Use an existing directory of the image, or a new one directly under / or /opt.",
            )
        return f"--volume={bind.source}:{bind.target}" + (":ro" if bind.read_only else "")

    def version_argv(self) -> Argv:
        """Build ``shifter --help``: there is no version option, and this exits 0 when it is set up."""
        return (self.command, "--help")

    def parse_version(self, output: str) -> str:
        """Say that Shifter does not tell its version."""
        return "version not told by Shifter" if "usage" in output.lower() else "unknown"

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """Recognise Shifter's own messages: its exit status 1 alone proves nothing."""
        if exit_status == 0:
            return None
        for message, meaning in _FAILURES.items():
            if message in stderr:
                return f"{meaning} ({message})"
        return None

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Unpack a tree for ``local:``; a site's gateway would pull from a registry instead."""
        tree = f"{store}/{self.id}"
        return Preparation(
            reference=f"local:{tree}",
            path=tree,
            steps=(
                ("mkdir", tree),
                ("tar", "--extract", "--preserve-permissions", "--no-same-owner", "--exclude=./dev/*",
                 "--file", archives.tar, "--directory", tree),
            ),
        )  # fmt: skip


RUNTIMES = (
    Shifter(
        id="shifter",
        family="shifter",
        mode="setuid helper, image mounted by the site",
        form=Form.SHIFTER,
        commands=("shifter",),
    ),
)
