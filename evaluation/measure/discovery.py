"""Finding out which runtimes are here, in which version and mode; and why one is not."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, replace

import docker
import docker.errors

from evaluation.measure.launcher import Command, Launcher
from evaluation.probes.base import Completed
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.sites import Site
from evaluation.store import RuntimeFacts

__all__ = ["FoundRuntime", "discover"]

_HOW_TO_GET = {
    "docker": "Debian: apt-get install docker.io; the measuring user must be in group docker.",
    "podman": "Debian: apt-get install podman uidmap slirp4netns; the user needs subordinate ids.",
    "apptainer": "apptainer.org has packages for most distributions; Debian has it in sid.",
    "charliecloud": "Debian: apt-get install charliecloud.",
    "shifter": "Shifter is in no package registry: a centre builds it and its image gateway itself.",
}

_ANSWER_S = 30.0
_MOST = 200
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRuntime:
    """A runtime's adapter as this site wants it, and what was found out about it."""

    runtime: Runtime
    facts: RuntimeFacts


def discover(site: Site, launcher: Launcher) -> tuple[FoundRuntime, ...]:
    """Look for every known runtime, as the measuring user would find it."""
    return tuple(_look(runtime, site, launcher) for runtime in known_runtimes().values())


def _look(runtime: Runtime, site: Site, launcher: Launcher) -> FoundRuntime:
    setting = site.runtimes.get(runtime.id)
    if setting:
        runtime = runtime.using(command=setting.executable or "", options=setting.options)
    command = next((name for name in runtime.commands if launcher.find(name)), "")
    absent = RuntimeFacts(
        id=runtime.id,
        family=runtime.family,
        mode=runtime.mode,
        present=False,
        options=runtime.options,
        engine_options=runtime.engine_options,
        advice=_HOW_TO_GET.get(runtime.family, ""),
    )
    if setting and setting.forbidden:
        reason = f"the site does not permit it: {setting.forbidden}"
        return FoundRuntime(runtime=runtime, facts=absent.model_copy(update={"reason": reason, "advice": ""}))
    if not command:
        reason = f"not installed: {' or '.join(runtime.commands)} is not on PATH"
        return FoundRuntime(runtime=runtime, facts=absent.model_copy(update={"reason": reason}))
    if command != runtime.command:
        runtime = replace(runtime, commands=(command,))
    version, reason = _version(runtime, launcher)
    if reason:
        return FoundRuntime(runtime=runtime, facts=absent.model_copy(update={"reason": reason}))
    facts = absent.model_copy(
        update={
            "present": True,
            "advice": "",
            "command": launcher.find(command),
            "version": version,
            "security": _security(runtime, launcher),
        }
    )
    return FoundRuntime(runtime=runtime, facts=facts)


def _version(runtime: Runtime, launcher: Launcher) -> tuple[str, str]:
    """Ask for the version; give it, or the reason why there is none."""
    done = _run(launcher, runtime.version_argv())
    printed = (done.stdout.strip() or done.stderr.strip()).decode(errors="replace")  # ch-run: on stderr
    said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    last = (_one_line(said[-1]) if said else "") or "it said nothing"
    if done.evidence.timed_out:
        return "", f"installed, but does not answer within {_ANSWER_S:g} s"
    if done.evidence.exit_status < 0:
        return "", f"installed, but ended by signal {-done.evidence.exit_status}: {last}"
    if not done.ok or not printed:
        return "", f"installed, but does not answer: {last}"
    version = _one_line(runtime.parse_version(printed))
    if runtime.tells_version and not any(character.isdigit() for character in version):
        return "", f"installed, but what it says is no version: {version or last}"
    return version, ""


def _one_line(text: str) -> str:
    """What a command said, fit for a table: one line, not long, nothing that steers a terminal."""
    lines = _STEERING.sub("", text).strip().splitlines()
    return "".join(character for character in next(iter(lines), "") if character.isprintable())[:_MOST]


def _run(launcher: Launcher, argv: tuple[str, ...]) -> Completed:
    return launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)


def _security(runtime: Runtime, launcher: Launcher) -> tuple[str, ...]:
    """What the runtime's family tells of its own confinement."""
    if runtime.family == "docker":
        return _docker_security(launcher)
    if runtime.family == "podman":
        done = _run(launcher, (runtime.command, "info", "--format", "json"))
        with contextlib.suppress(ValueError, KeyError, TypeError):
            info = json.loads(done.stdout)
            host = info["host"]
            return (
                *(
                    f"{key}: {value}"
                    for key, value in sorted(host["security"].items())
                    if key != "capabilities"
                ),
                f"low-level runtime: {host['ociRuntime']['name']}",
                f"cgroups: {host['cgroupVersion']}, {host['cgroupManager']}",
                f"storage: {info['store']['graphDriverName']}",
            )
    if runtime.family == "apptainer":
        # The setuid helper is what makes the difference between the two ways Apptainer works.
        done = _run(launcher, (runtime.command, "buildcfg"))
        with contextlib.suppress(StopIteration):
            line = next(
                line
                for line in done.stdout.decode().splitlines()
                if line.startswith("APPTAINER_SUID_INSTALL=")
            )
            return (f"setuid helper: {'installed' if line.endswith('=1') else 'not installed'}",)
    return ()


def _docker_security(launcher: Launcher) -> tuple[str, ...]:
    address = launcher.user.env.get("DOCKER_HOST")
    try:
        client = docker.DockerClient(base_url=address) if address else docker.from_env()
        with contextlib.closing(client):
            info = client.info()
    except (docker.errors.DockerException, OSError, ValueError):
        return ()
    return (
        *info.get("SecurityOptions", ()),
        f"low-level runtime: {info.get('DefaultRuntime')}",
        f"cgroups: {info.get('CgroupVersion', '1')}, {info.get('CgroupDriver')}",
        f"storage: {info.get('Driver')}",
    )
