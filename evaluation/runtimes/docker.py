"""Docker: a root daemon that runs containers for whoever may talk to its socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Form, Task
from evaluation.runtimes.base import Argv
from evaluation.runtimes.engines import EngineRuntime

__all__ = ["RUNTIMES", "Docker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker(EngineRuntime):
    """The ``docker`` client against its daemon."""

    engine_processes: ClassVar[Argv] = ("dockerd", "containerd")

    def pinned(self, task: Task) -> Argv:  # noqa: ARG002 - see `limits`
        """Put nothing before the client: the daemon runs the payload, and does not inherit from it."""
        return ()

    def limits(self, task: Task) -> Argv:
        """Ask the daemon for the processors and the memory."""
        return (
            *(("--cpuset-cpus", task.cpus) if task.cpus else ()),
            *EngineRuntime.limits(self, task),  # super() does not work in a class with slots
        )

    def version_argv(self) -> Argv:
        """Ask the engine, not the client: a client alone runs nothing."""
        return (self.command, *self.engine_options, "version", "--format", "{{.Server.Version}}")

    def parse_version(self, output: str) -> str:
        """Read the engine's version."""
        return output.strip()

    def cleanup(self, task: Task) -> tuple[Argv, ...]:
        """Remove the container by its name, running or not."""
        return ((self.command, *self.engine_options, "rm", "--force", task.name),) if task.name else ()


RUNTIMES = (
    Docker(
        id="docker",
        family="docker",
        mode="root daemon, root inside, bridge network",
        form=Form.DOCKER_STORE,
        commands=("docker",),
    ),
)
