"""podman-hpc, to its contract, never run: NERSC's wrapper around Podman, which it offers beside Shifter.

It passes ``run``, ``load``, ``ps`` and all that it does not know itself on to podman, by exec, with a
configuration and a store of the site's (``PODMANHPC_*``, modules). ``migrate`` makes a squashed copy of an
image, which the other nodes of a job read; ``rmsqi`` removes that copy. Options before the subcommand are its
own, not podman's.

Source: NERSC/podman-hpc, README and podman_hpc.py (commit 0077926).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from evaluation.model import Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation
from evaluation.runtimes.podman import Podman

__all__ = ["RUNTIMES", "PodmanHpc"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodmanHpc(Podman):
    """The ``podman-hpc`` command of an unprivileged user."""

    how_to_get: ClassVar[str] = "github.com/NERSC/podman-hpc: a centre installs it for all; it needs podman."
    programs: ClassVar[tuple[tuple[str, str], ...]] = (("podman-hpc", "podman-hpc"),)
    configuration: ClassVar[Argv] = (
        *Podman.configuration,
        "/etc/podman_hpc/*",
        "/etc/podman_hpc/modules.d/*",
    )

    @property
    def dialect(self) -> str:
        """Podman's."""
        return "podman"

    def argv(self, task: Task) -> Argv:
        """Build ``podman-hpc run``; options before the subcommand would not reach podman."""
        if self.engine_options:
            raise self.refuse(
                f"podman-hpc passes no option before the subcommand on: {self.engine_options[0]}"
            )
        return Podman.argv(self, task)

    def version_argv(self) -> Argv:
        """Ask for the version of podman below it: it tells none of its own."""
        return (self.command, "version", "--format", "{{.Client.Version}}")

    def parse_version(self, output: str) -> str:
        """Read the bare version."""
        return output.strip()

    def adaptations(self) -> tuple[Self, ...]:
        """Try none: low-level runtime, control groups and limits are the site's configuration."""
        return ()

    def forgetting(self, image: str) -> tuple[Argv, ...]:
        """Remove the squashed copy too."""
        return ((self.command, "rmsqi", image), *Podman.forgetting(self, image))

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Load the archive, then make the squashed copy that jobs run."""
        made = Podman.prepare(self, archives, store)
        return replace(made, steps=(*made.steps, (self.command, "migrate", archives.name)))


RUNTIMES = (
    PodmanHpc(
        id="podman-hpc",
        family="podman-hpc",
        mode="rootless, root inside is the user outside; a squashed copy of the image for a job's nodes",
        form=Form.PODMAN_STORE,
        commands=("podman-hpc",),
        role=Role.VARIANT,  # until somebody has run it
    ),
)
