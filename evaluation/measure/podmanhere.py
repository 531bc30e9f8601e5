"""How Podman works where it is installed: what its own word says of its confinement and control groups.

Who makes a container's control group decides whether a batch job's limits reach it. With systemd as the
manager podman asks for a scope of its own, outside of the job's group; with cgroupfs it makes the group
itself where the user may, and else leaves the container in its client's.

Sources: podman(1), --cgroup-manager; podman-run(1), --cgroups; podman-info(1).
"""

from __future__ import annotations

from contextlib import suppress

from evaluation.manifest import RuntimeFacts, fact
from evaluation.measure.impairment import engine_told
from evaluation.measure.launcher import Launcher
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.runtimes.podman import Podman

__all__ = ["confinement", "no_mode_of_its_own"]


def confinement(runtime: Runtime, launcher: Launcher) -> tuple[str, ...]:
    """Ask ``podman info``, with the runtime's own options before the subcommand.

    Returns
    -------
    tuple of str
        As ``key: value``; where podman does not answer as expected, that it did not tell.
    """
    info = engine_told(runtime, launcher)
    with suppress(KeyError, TypeError):
        host = info["host"]
        without = isinstance(runtime, Podman) and runtime.without_cgroups
        manager = "disabled" if without else host["cgroupManager"]
        return (
            *(f"{key}: {value}" for key, value in sorted(host["security"].items()) if key != "capabilities"),
            f"low-level runtime: {host['ociRuntime']['name']}",
            f"cgroups: {host['cgroupVersion']}, {manager}",
            f"storage: {info['store']['graphDriverName']}",
        )
    return ("cgroups: not told",)


def no_mode_of_its_own(runtime: Runtime, base: RuntimeFacts) -> str:
    """Say why a mode would be none of its own beside its base as that is run here; empty where it is one."""
    asked = known_runtimes()[runtime.id].engine_options  # a site's own may ask for the same, of its base
    _, _, manager = fact(base.security, "cgroups").partition(", ")
    if "--cgroup-manager" in asked and manager in asked:
        return f"{base.id} itself runs with the manager {manager} here: it would be the same thing twice"
    return ""
