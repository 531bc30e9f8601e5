"""bubblewrap: ``bwrap`` on an unpacked directory, every mount by a word of its own.

It knows no images: the tree is ours, read-only, with a ``/proc``, ``/dev`` and ``/tmp`` of the container's
own and the host's ``/sys``. The smallest adapter there is; CONTRIBUTING.md takes it as its example.

Source: bwrap(1), 0.8.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime, unpacking

__all__ = ["RUNTIMES", "Bubblewrap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap(Runtime):
    """``bwrap --ro-bind DIRECTORY / ... -- command``."""

    how_to_get: ClassVar[str] = "Debian: apt-get install bubblewrap."
    programs: ClassVar[tuple[tuple[str, str], ...]] = (("bubblewrap", "bwrap"),)
    builds_images: ClassVar[bool] = False
    knows_signatures: ClassVar[bool] = False
    user_namespaces: ClassVar[bool] = True

    def argv(self, task: Task) -> Argv:
        """Build the mounts in their order, then what is set, then the command."""
        if task.writable:
            raise self.refuse("the image's tree cannot be written to without changing the image itself")
        binds = (
            ("--ro-bind" if bind.read_only else "--bind", bind.source, bind.target) for bind in task.binds
        )
        return (
            *self.pinned(task),
            self.command,
            *("--unshare-user", "--unshare-pid", "--die-with-parent"),  # else what it started outlives it
            *("--ro-bind", self.named_image(task), "/"),
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", "/sys", "/sys"),  # noqa: S108 - inside
            *self.options,
            *(word for bind in binds for word in bind),
            *(word for key, value in task.env for word in ("--setenv", key, value)),
            *(("--chdir", task.workdir) if task.workdir else ()),
            "--",
            *task.argv,
        )

    def version_argv(self) -> Argv:
        """Build ``bwrap --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read ``bubblewrap 0.8.0``."""
        return output.strip().rpartition(" ")[2]

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """A failure of its own is 1, with its name before the reason."""
        if exit_status != 1:
            return None
        return next((line for line in stderr.splitlines() if line.startswith("bwrap: ")), None)

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Unpack a tree."""
        tree = f"{store}/{self.id}"
        return Preparation(reference=tree, path=tree, steps=unpacking(archives, tree))


RUNTIMES = (
    Bubblewrap(
        id="bubblewrap",
        family="bubblewrap",
        mode="unprivileged user namespace, unpacked directory, read-only; own process ids, /dev and /tmp",
        form=Form.DIRECTORY,
        commands=("bwrap",),
        role=Role.VARIANT,
    ),
)
