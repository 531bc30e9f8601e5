"""Podman, rootless: containers as children of the user, in the user's namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from evaluation.model import Form, Role, Task
from evaluation.runtimes.base import Argv
from evaluation.runtimes.engines import EngineRuntime

__all__ = ["NO_CGROUPS", "RUNTIMES", "Podman"]

NO_CGROUPS: Final = "--cgroups=disabled"
"""Asks for no control group: the payload stays in its client's. crun can do without, runc cannot."""

_CGROUPFS: Final = ("--cgroup-manager", "cgroupfs")
"""Has podman make the control group itself, below its own; else it asks systemd for a scope elsewhere.

Without root, and where systemd runs, its own is a scope that it has moved itself to, with this option too.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Podman(EngineRuntime):
    """The ``podman`` command of an unprivileged user."""

    how_to_get: ClassVar[str] = (
        "Debian: apt-get install podman uidmap slirp4netns; the user needs subordinate ids."
    )
    programs: ClassVar[tuple[tuple[str, str], ...]] = (
        ("crun", "crun"),
        ("podman", "podman"),
        ("conmon", "conmon"),
        ("fuse-overlayfs", "fuse-overlayfs"),
        ("slirp4netns", "slirp4netns"),
        ("shadow", "newuidmap"),
    )
    user_namespaces: ClassVar[bool] = True

    configuration: ClassVar[Argv] = (
        "/usr/share/containers/*.conf",
        "/etc/containers/*.conf",
        "/etc/containers/*.conf.d/*",
        "/etc/containers/*.json",
        "{config}/containers/*.conf",
        "{config}/containers/*.conf.d/*",
        "{config}/containers/*.json",
        "/etc/subuid",
        "/etc/subgid",
    )

    def argv(self, task: Task) -> Argv:
        """Build ``podman run``; refuse the one text that its ``--env`` changes."""
        for key, value in task.env:
            if "\r\n" in value:
                raise self.refuse(f"the value of {key} holds a carriage return", "--env would drop it.")
        return EngineRuntime.argv(self, task)  # super() does not work in a class with slots

    def version_argv(self) -> Argv:
        """Build ``podman --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read ``podman version 4.3.1``."""
        return output.strip().rpartition(" ")[2]

    def cleanup(self, task: Task) -> tuple[Argv, ...]:
        """Remove the container by its name; a name that is gone already is no error.

        Twice: where the program was killed but podman believes that it runs, 4.3.1 fails to stop it,
        notes that, and removes it only when asked again.
        """
        if not task.name:
            return ()
        engine = (self.command, *self.engine_options)
        return ((*engine, "rm", "--force", "--ignore", "--time", "0", task.name),) * 2

    @property
    def without_cgroups(self) -> bool:
        """Whether it is asked to make no control group, in either spelling of the option."""
        return NO_CGROUPS in "=".join(self.options)

    def adaptations(self) -> tuple[Self, ...]:
        """Try another low-level runtime, the host's limits, the host's network: what gives up least first.

        crun refuses a mix of cgroup versions, runc refuses to do without control groups, raising limits needs
        CAP_SYS_RESOURCE, and a private network needs slirp4netns or pasta, and /dev/net/tun. Hosts that lack
        one of them are common, and each may be missing alone: RHEL 10 has no runc.
        """
        other = ("--runtime", "crun") if self.without_cgroups else ("--runtime", "runc", *_CGROUPFS)
        limits, network = ("--ulimit", "host"), ("--network", "host")
        return tuple(
            self.using(engine_options=engine, options=options)
            for options in ((), limits, network, (*limits, *network))
            for engine in ((), other)
            if engine or options
        )


RUNTIMES = (
    Podman(
        id="podman",
        family="podman",
        mode="rootless, root inside is the user outside",
        form=Form.PODMAN_STORE,
        commands=("podman",),
    ),
    Podman(
        id="podman-keep-id",
        family="podman",
        mode="rootless, the user keeps its id inside",
        form=Form.PODMAN_STORE,
        commands=("podman",),
        options=("--userns", "keep-id"),
        role=Role.VARIANT,
        base="podman",
    ),
    Podman(
        id="podman-cgroups-disabled",
        family="podman",
        mode="rootless, root inside is the user outside; no control group of its own",
        form=Form.PODMAN_STORE,
        commands=("podman",),
        options=(NO_CGROUPS,),
        role=Role.VARIANT,
        base="podman",
    ),
    Podman(
        id="podman-cgroupfs",
        family="podman",
        mode="rootless, root inside is the user outside; its control group made without systemd",
        form=Form.PODMAN_STORE,
        commands=("podman",),
        engine_options=_CGROUPFS,
        role=Role.VARIANT,
        base="podman",
    ),
)
