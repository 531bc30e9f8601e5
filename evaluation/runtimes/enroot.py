"""enroot, to its contract, never run: an unpacked image in a user namespace, entered by a shell script.

An image is a squashfs; ``create`` unpacks it below ``ENROOT_DATA_PATH``, ``start NAME`` runs it read-only. A
variable is a line of a file, of which leading blanks, comments and a pair of quotes go; a mount is a line of
fstab(5) with colons for blanks. There is no option for the working directory, and the image needs ``/bin/sh``
anyway. What a site has in ``mounts.d``, ``environ.d`` and ``hooks.d`` comes on top. Inside a Slurm job, Pyxis
starts it (``runtimes: enroot: native``).

Source: NVIDIA/enroot, doc/cmd and src (runtime.sh, common.sh).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from evaluation.model import Bind, Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime, unpacking

__all__ = ["RUNTIMES", "Enroot"]

_PATH: Final = re.compile(r"/[^\s:$#\\\\]*")
"""What a field of its mount file keeps: blanks and colons end one, the rest would be read otherwise."""
_QUOTED: Final = re.compile(r"[\"'].*[\"']\s*")
_ENTER: Final = ("/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh")
"""Change the directory, or fail; then become the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroot(Runtime):
    """``env ENROOT_DATA_PATH=... enroot start NAME command``."""

    how_to_get: ClassVar[str] = (
        "github.com/NVIDIA/enroot has packages; it needs squashfs-tools and user namespaces."
    )
    programs: ClassVar[tuple[tuple[str, str], ...]] = (("enroot", "enroot"),)
    builds_images: ClassVar[bool] = False
    knows_signatures: ClassVar[bool] = False
    user_namespaces: ClassVar[bool] = True
    configuration: ClassVar[Argv] = (
        "/etc/enroot/*",
        "/etc/enroot/*.d/*",
        "{config}/enroot/*",
        "{config}/enroot/*.d/*",
    )

    def argv(self, task: Task) -> Argv:
        """Build the start of an unpacked image that is named by its path."""
        if task.writable:
            raise self.refuse("the image's tree cannot be written to without changing the image itself")
        store, _, name = self.named_image(task).rpartition("/")
        if not store or not name:
            raise self.refuse(f"{task.image!r} is no path of an unpacked image")
        return (
            *self.pinned(task),
            "env",
            f"ENROOT_DATA_PATH={store}",
            self.command,
            "start",
            *self.options,
            *(word for bind in task.binds for word in ("--mount", self._mount(bind))),
            *(word for key, value in task.env for word in ("--env", self._setting(key, value))),
            "--",
            name,
            *((*_ENTER, task.workdir) if task.workdir else ()),
            *task.argv,
        )

    def _mount(self, bind: Bind) -> str:
        for path in (bind.source, bind.target):
            if not _PATH.fullmatch(path):
                raise self.refuse(f"the path {path!r} would be read as something else in its mount file")
        read_only = ",ro" if bind.read_only else ""
        return f"{bind.source}:{bind.target}:none:x-create=dir,bind{read_only}"

    def _setting(self, key: str, value: str) -> str:
        if (
            "\n" in value
            or "\r" in value
            or "${" in value
            or _QUOTED.fullmatch(value)
            or key.startswith("ENROOT_")
        ):
            raise self.refuse(f"the variable {key} would be changed by its environment file")
        return f"{key}={value}"

    def version_argv(self) -> Argv:
        """Build ``enroot version``."""
        return (self.command, "version")

    def parse_version(self, output: str) -> str:
        """Read the bare version."""
        return output.strip()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """Its script says ``[ERROR]`` and ends with 1; its helpers begin with their names."""
        if exit_status == 0:
            return None
        own = ("[ERROR]", "enroot-mount:", "enroot-switchroot:", "enroot-unshare:")
        return next((line for line in stderr.splitlines() if line.startswith(own)), None)

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Make an image file, as ``import`` would from a registry, and unpack it by ``create``."""
        path = f"{store}/{self.id}"
        tree, file = f"{path}.tree", f"{path}.sqsh"
        return Preparation(
            reference=path,
            path=path,
            steps=(
                ("rm", "-rf", "--one-file-system", tree, file),
                *unpacking(archives, tree),
                ("mksquashfs", tree, file, "-all-root", "-comp", "lzo", "-noD", "-no-progress", "-quiet"),
                ("env", f"ENROOT_DATA_PATH={store}", self.command, "create", "--name", self.id, "--", file),
                ("rm", "-rf", "--one-file-system", tree, file),
            ),
        )


RUNTIMES = (
    Enroot(
        id="enroot",
        family="enroot",
        mode="unprivileged user namespace, unpacked directory, read-only",
        form=Form.DIRECTORY,
        commands=("enroot",),
        role=Role.VARIANT,  # until somebody has run it
    ),
)
