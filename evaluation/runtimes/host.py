"""The bare process: the control that every runtime is held against.

With an image tree, a bare command name (``python3``) is run *out of that tree*, through the tree's own
dynamic loader: the same bytes as in every container, on the host's file system, without a container.
An absolute path is a program of the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.machine import this_machine
from evaluation.model import Bind, Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime, unpacking

__all__ = ["RUNTIMES", "Host"]

_MACHINE = this_machine()
_LIBRARIES = (f"lib/{_MACHINE.libraries}", f"usr/lib/{_MACHINE.libraries}", "lib64", "usr/lib")
_LOADER = f"usr/lib/{_MACHINE.libraries}/{_MACHINE.loader}"
"""The file itself: ``lib64`` has a link to it that may be absolute (Debian 12), and so to the host's loader,
which cannot be relied on to fit the image's C library, or to be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host(Runtime):
    """No container at all."""

    read_only_binds: ClassVar[bool] = False  # nothing is bound

    def argv(self, task: Task) -> Argv:
        """Build ``[taskset] [env --chdir=.. K=V] [loader] command``; without settings, the bare command."""
        settings = [f"--chdir={task.workdir}"] if task.workdir else []
        settings += [f"{key}={value}" for key, value in task.env]
        command = task.argv
        if task.image and "/" not in command[0]:
            settings.append(f"PYTHONHOME={task.image}/usr")
            libraries = ":".join(f"{task.image}/{path}" for path in _LIBRARIES)
            loader = f"{task.image}/{_LOADER}"
            program = f"{task.image}/usr/bin/{command[0]}"
            command = (loader, "--library-path", libraries, "--argv0", command[0], program, *command[1:])
        return (*self.pinned(task), *(("env", *settings) if settings else ()), *command)

    def sees(self, bind: Bind) -> str:
        """Give the source: nothing is bound."""
        return bind.source

    def sees_image(self, reference: str, path: str) -> str:
        """Give the path within the unpacked tree."""
        return f"{reference}{path}"

    def version_argv(self) -> Argv:
        """Build ``uname -sr``: the host's version is its kernel's."""
        return ("uname", "-sr")

    def parse_version(self, output: str) -> str:
        """Read the kernel's name and release."""
        return output.strip()

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Unpack the image's tree."""
        tree = f"{store}/host"
        return Preparation(reference=tree, path=tree, steps=unpacking(archives, tree))


RUNTIMES = (
    Host(
        id="host",
        family="host",
        mode="bare process, no container",
        form=Form.DIRECTORY,
        commands=("env",),
        role=Role.BASELINE,
    ),
)
