"""What the Docker and Podman command lines have in common."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Task
from evaluation.reasons import reason_in
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["EngineRuntime"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRuntime(Runtime, ABC):
    """A client with a store of images and named containers."""

    has_engine: ClassVar[bool] = True
    limits_memory: ClassVar[bool] = True

    def argv(self, task: Task) -> Argv:
        """Build ``docker run --rm --pull never ... image command``.

        ``--mount`` and not ``--volume``: the latter makes a missing source, owned by root, in silence.
        """
        binds: list[str] = []
        for bind in task.binds:
            if any(mark in path for mark in ',"' for path in (bind.source, bind.target)):
                raise self.refuse(
                    f"a bind's path holds a comma or a quote: {bind.source} -> {bind.target}",
                    "--mount reads comma-separated fields; use a path without them.",
                )
            read_only = ",readonly" if bind.read_only else ""
            binds += ["--mount", f"type=bind,source={bind.source},target={bind.target}{read_only}"]
        return (
            *self.pinned(task),
            self.command,
            *self.engine_options,
            "run",
            "--rm",
            "--pull",
            "never",
            *(("--name", task.name) if task.name else ()),
            *(("--interactive",) if task.stdin or task.terminal else ()),
            *(("--tty",) if task.terminal else ()),
            *self.limits(task),
            *self.options,
            *binds,
            *(part for key, value in task.env for part in ("--env", f"{key}={value}")),
            *(("--workdir", task.workdir) if task.workdir else ()),
            self.named_image(task),
            *task.argv,
        )

    def limits(self, task: Task) -> Argv:
        """Options that hold the task to its memory, and to its processors where the client's own do not."""
        return ("--memory", str(task.memory_bytes)) if task.memory_bytes else ()

    def stored(self, image: str) -> tuple[Argv, ...]:
        """Ask the engine for the size that it keeps of an image."""
        engine = (self.command, *self.engine_options)
        return ((*engine, "image", "inspect", "--format", "{{.Size}}", image),)

    def forgetting(self, image: str) -> tuple[Argv, ...]:
        """Remove an image; one that is not there is no fault."""
        return ((self.command, *self.engine_options, "image", "rm", "--force", image),)

    def listing(self) -> Argv:
        """Build ``docker ps --all`` with the names alone."""
        return (self.command, *self.engine_options, "ps", "--all", "--format", "{{.Names}}")

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """Exit status 125 is the engine's; 126 and 127 are its own when it says so on stderr."""
        said = [line for line in stderr.splitlines() if line.strip()]
        engine_spoke = any(line.startswith((f"{self.family}:", "Error:")) for line in said)
        if exit_status == 125 or (exit_status in {126, 127} and engine_spoke):
            return reason_in(stderr) or f"{self.family} failed without a word"
        return None

    def prepare(self, archives: Archives, store: str) -> Preparation:  # noqa: ARG002 - kept in the engine
        """Load the docker-archive: the image id stays the same on every machine, unlike `import`'s."""
        engine = (self.command, *self.engine_options)
        return Preparation(
            reference=archives.name,
            steps=((*engine, "load", "--input", archives.docker),),
            sizes=self.stored(archives.name),
        )
