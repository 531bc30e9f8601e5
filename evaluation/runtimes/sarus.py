"""Sarus, to its contract, never run: CSCS's setuid runtime, a squashfs under a layer in memory, runc below.

``load`` takes an archive as ``docker save`` writes it; its name then begins with ``load``, as a server's.
The root of a container can be written, in memory, and is gone with it. It inherits the host's environment.

Source: eth-cscs/sarus, doc/user/user_guide.rst and src/cli (1.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from evaluation.model import Bind, Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["RUNTIMES", "Sarus"]

_OWN: Final = re.compile(r"\[\d+\.\d+\] \[[^\]]*\] \[[^\]]*\] \[ERROR\] (.*)")
"""A line of its log: time, host and process, part, grade."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sarus(Runtime):
    """``sarus run IMAGE command``."""

    how_to_get: ClassVar[str] = (
        "github.com/eth-cscs/sarus: a centre installs it, setuid root; it needs mksquashfs."
    )
    programs: ClassVar[tuple[tuple[str, str], ...]] = (("sarus", "sarus"),)
    builds_images: ClassVar[bool] = False
    knows_signatures: ClassVar[bool] = False

    def argv(self, task: Task) -> Argv:
        """Build ``sarus run --mount=type=bind,... --workdir=/d --env=K=V image command``."""
        return (
            *self.pinned(task),
            self.command,
            "run",
            *self.options,
            *(("--tty",) if task.terminal else ()),
            *(f"--mount={self._mount(bind)}" for bind in task.binds),
            *(f"--env={key}={value}" for key, value in task.env),
            *((f"--workdir={task.workdir}",) if task.workdir else ()),
            self.named_image(task),
            *task.argv,
        )

    def _mount(self, bind: Bind) -> str:
        for path in (bind.source, bind.target):
            if "," in path or "=" in path or not path.startswith("/"):
                raise self.refuse(
                    f"a bind's path is not absolute, or holds a comma or an equals sign: {path}",
                    "--mount reads comma-separated fields; use a path without them.",
                )
        read_only = ",readonly" if bind.read_only else ""
        return f"type=bind,source={bind.source},destination={bind.target}{read_only}"

    def version_argv(self) -> Argv:
        """Build ``sarus --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read the bare version."""
        return output.strip()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """Its log says ERROR, first what was wrong; its status is 1, as a program's own may be."""
        if exit_status == 0:
            return None
        return next((found[1] for line in stderr.splitlines() if (found := _OWN.fullmatch(line))), None)

    def forgetting(self, image: str) -> tuple[Argv, ...]:
        """Remove a loaded image from the user's repository."""
        return ((self.command, "rmi", f"load/{image}"),)

    def prepare(self, archives: Archives, store: str) -> Preparation:  # noqa: ARG002 - kept in its repository
        """Load the archive; where its squashfs lies is the site's to say, so that nobody tells its size."""
        return Preparation(
            reference=f"load/{archives.name}",
            steps=((self.command, "load", archives.docker, archives.name),),
            sizes=(("true",),),
        )


RUNTIMES = (
    Sarus(
        id="sarus",
        family="sarus",
        mode="setuid helper; the user's own squashfs under a layer in memory",
        form=Form.SQUASHFS,
        commands=("sarus",),
        role=Role.VARIANT,  # until somebody has run it
    ),
)
