"""Docker: a root daemon that runs containers for whoever may talk to its socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from evaluation.model import Form, Role, Task
from evaluation.runtimes.base import Argv
from evaluation.runtimes.engines import EngineRuntime

__all__ = ["CONTAINERD_STORE", "RUNTIMES", "Docker", "RootlessDocker"]

CONTAINERD_STORE: Final = ("image store", "containerd")
"""Among `Runtime.settings` where the engine keeps images in containerd."""

_AS_THE_USER = ("--user", "{uid}:{gid}")

# What of the CIS Docker Benchmark 1.6.0, chapters 4 and 5, whoever starts a container can see to. Limits of
# memory and CPU (5.11, 5.12) depend on the job, and are a batch system's. AppArmor, seccomp and SELinux
# (5.2, 5.3, 5.22) are the engine's default where there are any.
_HARDENED = (
    *_AS_THE_USER,  # 4.1
    *("--cap-drop", "ALL"),  # 5.4
    "--read-only",  # 5.13
    *("--tmpfs", "/tmp"),  # noqa: S108 - inside; by default nosuid, nodev and noexec
    *("--security-opt", "no-new-privileges"),  # 5.26
    *("--pids-limit", "512"),  # 5.29
    *("--network", "none"),  # 5.30: not on the bridge with everybody else's
)

_EVERYTHING_OF_THE_HOST = (
    *("--pid", "host"),  # against 5.16
    *("--network", "host"),  # 5.10
    *("--ipc", "host"),  # 5.17
    *("--uts", "host"),  # 5.21
    *("--userns", "host"),  # 5.31
    *("--cgroupns", "host"),
)

_UNCONFINED = (
    "--privileged",  # against 5.5, and with it 5.4 and 5.18
    *_EVERYTHING_OF_THE_HOST,
    *("--security-opt", "seccomp=unconfined"),  # 5.22
    *("--security-opt", "apparmor=unconfined"),  # 5.2
    *("--security-opt", "systempaths=unconfined"),
)

# --privileged asks for every capability, and an engine that lacks one itself (as in many virtual machines)
# cannot give it: "unable to apply caps". By these options it gives all but that one, and the rest of it.
_ALL_BUT_ONE_CAPABILITY = (
    "--privileged=false",
    *("--cap-add", "ALL"),
    *("--cap-drop", "SYS_RESOURCE"),
    *("--device-cgroup-rule", "a *:* rwm"),
    *("--mount", "type=bind,source=/dev,target=/dev"),
    *("--mount", "type=bind,source=/sys,target=/sys"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Docker(EngineRuntime):
    """The ``docker`` client against its daemon."""

    otherwise: Argv = ()
    """Options to add where it does not start without them."""

    how_to_get: ClassVar[str] = (
        "Debian: apt-get install docker.io; the measuring user must be in group docker."
    )
    programs: ClassVar[tuple[tuple[str, str], ...]] = (
        ("moby", "dockerd"),
        ("containerd", "containerd"),
        ("runc", "runc"),
    )
    engine_processes: ClassVar[Argv] = ("dockerd", "containerd")
    configuration: ClassVar[Argv] = (
        "/etc/docker/daemon.json",
        "/etc/containerd/*.toml",
        "{home}/.docker/config.json",
    )

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

    def stored(self, image: str) -> tuple[Argv, ...]:
        """Ask twice of containerd's store: it has an image as it came, which it calls its size, and unpacked.

        Seen with 26.1.5: 145 MB by `image inspect`, 156 MB by `history`, 302 MB by `image ls` and on disk.
        """
        kept = EngineRuntime.stored(self, image)
        if CONTAINERD_STORE not in self.settings:
            return kept
        unpacked = ("history", "--human=false", "--format", "{{.Size}}", image)
        return (*kept, (self.command, *self.engine_options, *unpacked))

    def adaptations(self) -> tuple[Self, ...]:
        """Try the options that take the place of what this engine cannot do."""
        return (self.using(options=self.otherwise),) if self.otherwise else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RootlessDocker(Docker):
    """The ``docker`` client against a daemon of the user's own."""

    how_to_get: ClassVar[str] = (
        "Debian: apt-get install docker.io rootlesskit uidmap slirp4netns; the user needs subordinate ids; "
        "then, as that user, dockerd-rootless-setuptool.sh install (or run dockerd-rootless.sh)."
    )
    engine_processes: ClassVar[Argv] = ("dockerd", "containerd", "rootlesskit", "slirp4netns")
    configuration: ClassVar[Argv] = (
        "{config}/docker/daemon.json",
        "{home}/.docker/config.json",
        "/etc/subuid",
        "/etc/subgid",
    )

    def limits(self, task: Task) -> Argv:
        """Ask for the memory, whether the engine can apply it or not: that is for a probe to find out.

        Processors are refused: a timing would be taken on others than were asked for. With control groups
        of version 1, 20.10 takes both options and applies neither, without a word.
        """
        if task.cpus:
            raise self.refuse(
                "a rootless engine holds a task to its processors only where control groups were delegated "
                "to it, and says nothing where they were not",
            )
        return EngineRuntime.limits(self, task)  # super() does not work in a class with slots


RUNTIMES = (
    Docker(
        id="docker",
        family="docker",
        mode="root daemon, root inside, bridge network",
        form=Form.DOCKER_STORE,
        commands=("docker",),
    ),
    Docker(
        id="docker-user",
        family="docker",
        mode="root daemon, the user inside, bridge network",
        form=Form.DOCKER_STORE,
        commands=("docker",),
        options=_AS_THE_USER,
        role=Role.VARIANT,
        base="docker",
    ),
    Docker(
        id="docker-hardened",
        family="docker",
        mode="root daemon, the user inside without capabilities, image read-only, no network",
        form=Form.DOCKER_STORE,
        commands=("docker",),
        options=_HARDENED,
        role=Role.VARIANT,
        base="docker",
    ),
    RootlessDocker(
        id="docker-rootless",
        family="docker",
        mode="a daemon of the user's, root inside is the user outside",
        form=Form.DOCKER_STORE,
        commands=("docker",),
        engine_options=("--host", "unix://{runtime_dir}/docker.sock"),
        role=Role.VARIANT,
    ),
    Docker(
        id="docker-unsafe",
        family="docker",
        mode="root daemon, root inside, everything of the host's shared and nothing confined",
        form=Form.DOCKER_STORE,
        commands=("docker",),
        options=_UNCONFINED,
        otherwise=_ALL_BUT_ONE_CAPABILITY,
        role=Role.POSITIVE_CONTROL,
        base="docker",
    ),
)
