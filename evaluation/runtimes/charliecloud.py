"""Charliecloud: ``ch-run`` on an unpacked directory, in a user namespace, nothing else; or on an image file.

An image file is a squashfs that ch-run mounts by itself, through FUSE, where it was built with libsquashfuse.
The process that was started then serves the files, and the program runs below it: its death by a signal comes
back as exit status 1 (0.31, 0.38; as 128 and the signal in 0.45), and it outlives a client that is killed.

Source: ch-run(1), 0.31 to 0.45. Of 0.21 (Debian 11) nothing is measured: it has no ch-convert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["RUNTIMES", "Charliecloud", "MountedCharliecloud"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charliecloud(Runtime):
    """``ch-run DIRECTORY -- command``."""

    how_to_get: ClassVar[str] = "Debian: apt-get install charliecloud."
    programs: ClassVar[tuple[tuple[str, str], ...]] = (("charliecloud", "ch-run"),)
    converters: ClassVar[Argv] = ("ch-convert",)
    knows_signatures: ClassVar[bool] = False
    read_only_binds: ClassVar[bool] = False
    user_namespaces: ClassVar[bool] = True

    def argv(self, task: Task) -> Argv:
        """Build ``ch-run --bind a:b --set-env=K=V --cd /d directory -- command``."""
        if task.writable:
            raise self.refuse("the image's tree cannot be written to without changing the image itself")
        binds: list[str] = []
        for bind in task.binds:
            if bind.read_only:
                raise self.refuse(
                    f"ch-run has no read-only bind: {bind.source} -> {bind.target}",
                    "Bind it writable, and keep it from being written by its file modes.",
                )
            if ":" in bind.source + bind.target:
                raise self.refuse(f"a bind's path holds a colon: {bind.source} -> {bind.target}")
            binds += ["--bind", f"{bind.source}:{bind.target}"]
        return (
            *self.pinned(task),
            self.command,
            *self.options,
            *binds,
            # Without this ch-run expands $NAME inside a value.
            *(("--env-no-expand",) if task.env else ()),
            *(f"--set-env={key}={_kept(value)}" for key, value in task.env),
            *((f"--cd={task.workdir}",) if task.workdir else ()),
            self.named_image(task),
            "--",
            *task.argv,
        )

    def version_argv(self) -> Argv:
        """Build ``ch-run --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read the bare version."""
        return output.strip()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """A failure of ch-run itself is told by its own line on stderr."""
        if exit_status == 0:
            return None
        return next(
            (line for line in stderr.splitlines() if line.startswith("ch-run[") and "error:" in line), None
        )

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Unpack with Charliecloud's own converter."""
        path = f"{store}/{self.id}"
        return Preparation(
            reference=path, path=path, steps=(("ch-convert", "-i", "tar", "-o", "dir", archives.tar, path),)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MountedCharliecloud(Charliecloud):
    """``ch-run FILE.sqfs -- command``: the file is mounted anew at each start."""

    device: ClassVar[str] = "/dev/fuse"
    tells_signals: ClassVar[bool] = False
    built_with: ClassVar[Argv] = ("--feature", "squash")

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Pack a squashfs with Charliecloud's own converter."""
        path = f"{store}/{self.id}.sqfs"
        return Preparation(
            reference=path,
            path=path,
            steps=(("ch-convert", "-i", "tar", "-o", "squash", archives.tar, path),),
        )


def _kept(value: str) -> str:
    """Quote a value that is in single quotes: ch-run takes one pair off."""
    return f"'{value}'" if len(value) > 1 and value[0] == value[-1] == "'" else value


RUNTIMES = (
    Charliecloud(
        id="charliecloud",
        family="charliecloud",
        mode="unprivileged user namespace, unpacked directory",
        form=Form.DIRECTORY,
        commands=("ch-run",),
    ),
    MountedCharliecloud(
        id="charliecloud-squashfs",
        family="charliecloud",
        mode="unprivileged user namespace, image file, mounted by ch-run itself",
        form=Form.SQUASHFS,
        commands=("ch-run",),
        role=Role.VARIANT,
    ),
)
