"""Finding out which runtimes are here, in which version and mode; and why one is not."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from evaluation.measure import apptainerhere, podmanhere, shifterhere
from evaluation.measure.environment import worker_init_failure
from evaluation.measure.impairment import impairment
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.premises import ALLOW_NAMESPACES, Refusal, user_namespaces
from evaluation.model import CONTROL, Role
from evaluation.probes.base import Completed
from evaluation.reasons import reason_of
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.apptainer import USERNS
from evaluation.runtimes.base import Runtime
from evaluation.runtimes.docker import CONTAINERD_STORE, RootlessDocker
from evaluation.sites import RuntimeSetting, Site
from evaluation.store import RuntimeFacts

__all__ = ["FoundRuntime", "as_own_mode", "discover"]

_ROOTLESS = "name=rootless"
"""Among the security options of a rootless engine."""
_CONTAINERD = ": ".join(CONTAINERD_STORE)

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
    user = launcher.user
    known = [
        runtime.for_user(
            uid=user.uid, gid=user.gid, runtime_dir=user.env.get("XDG_RUNTIME_DIR", f"/run/user/{user.uid}")
        )
        for runtime in known_runtimes().values()
    ]
    refused = user_namespaces(launcher)
    found: dict[str, FoundRuntime] = {}
    for runtime in sorted(known, key=lambda runtime: bool(runtime.base)):  # a mode comes after its base
        setting = site.runtimes.get(runtime.id)
        own_look = not runtime.base or (setting and setting.executable)
        base = found.get(runtime.base)
        looked = _look(runtime, site, launcher) if own_look or not base else _mode(runtime, base, site)
        looked = as_own_mode(looked, base.facts if base else None)
        found[runtime.id] = _with_namespaces(_with_own_groups(looked, launcher), refused)
    return tuple(found[runtime.id] for runtime in known)


def _with_namespaces(found: FoundRuntime, refused: Refusal | None) -> FoundRuntime:
    """Say of a runtime that it cannot work here, where user namespaces are switched off and it needs them."""
    facts = found.facts
    if not (facts.present and refused and refused.switch and found.runtime.user_namespaces):
        return found
    if apptainerhere.SETUID in facts.security and USERNS not in found.runtime.options:
        return found
    changed = {"present": False, "reason": f"installed, but {refused.why}", "advice": ALLOW_NAMESPACES}
    return FoundRuntime(runtime=found.runtime, facts=facts.model_copy(update=changed))


def as_own_mode(found: FoundRuntime, base: RuntimeFacts | None) -> FoundRuntime:
    """Take a mode out where it would be none of its own beside its base here, with the reason."""
    runtime, facts, reason = found.runtime, found.facts, ""
    if facts.present and facts.family == "apptainer":
        reason = apptainerhere.no_mode_of_its_own(runtime, facts)
    elif facts.present and base and runtime.dialect == "podman":
        reason = podmanhere.no_mode_of_its_own(runtime, base)
    if not reason:
        return found
    facts = facts.model_copy(update={"present": False, "reason": reason, "advice": ""})
    return FoundRuntime(runtime=runtime, facts=facts)


def _with_own_groups(found: FoundRuntime, launcher: Launcher) -> FoundRuntime:
    """Have podman itself say how a mode confines: its options decide who makes its control group."""
    runtime, facts = found.runtime, found.facts
    if not (facts.present and runtime.base and runtime.dialect == "podman"):
        return found
    told = podmanhere.confinement(runtime, launcher)
    return FoundRuntime(runtime=runtime, facts=facts.model_copy(update={"security": told}))


def _mode(runtime: Runtime, base: FoundRuntime, site: Site) -> FoundRuntime:
    """Say of a mode what was found out about its base: the same command, the same engine.

    What the site says of the base holds for its modes, unless it says something of a mode itself. A positive
    control takes no options over: they could harden it.
    """
    own = site.runtimes.get(runtime.id)
    taken_over = None if runtime.role is Role.POSITIVE_CONTROL else site.runtimes.get(runtime.base)
    setting = own or taken_over
    runtime = replace(
        runtime.using(options=setting.options if setting else ()),
        commands=base.runtime.commands,
        settings=base.runtime.settings,
    )
    reason = "" if base.facts.present else f"{runtime.base} is not here: {base.facts.reason}"
    if own and own.forbidden:
        reason = f"the site does not permit it: {own.forbidden}"
    facts = base.facts.model_copy(
        update={
            "id": runtime.id,
            "mode": runtime.mode,
            "role": runtime.role,
            "timed": False,
            "options": runtime.options,
            "engine_options": runtime.engine_options,
            "present": base.facts.present and not reason,
            "reason": reason,
            "advice": "",
        }
    )
    return FoundRuntime(runtime=runtime, facts=facts)


def _setting(runtime: Runtime, site: Site) -> RuntimeSetting | None:
    """What the site says of a runtime; of one that it does not name, what it says of its family.

    The command and its options hold for a whole family. That one mode must not be tried forbids no other.
    """
    if own := site.runtimes.get(runtime.id):
        return own
    family = site.runtimes.get(runtime.family)
    return family and RuntimeSetting(executable=family.executable, options=family.options)


def _look(runtime: Runtime, site: Site, launcher: Launcher) -> FoundRuntime:
    setting = _setting(runtime, site)
    if setting:
        runtime = runtime.using(command=setting.executable or "", options=setting.options)
        runtime = replace(runtime, images=tuple(setting.images.items()))
    command = next((name for name in runtime.commands if launcher.find(name)), "")
    absent = RuntimeFacts(
        id=runtime.id,
        family=runtime.family,
        mode=runtime.mode,
        present=False,
        options=runtime.options,
        engine_options=runtime.engine_options,
        advice=runtime.how_to_get,
        role=runtime.role,
        timed=runtime.role in {Role.BASELINE, Role.ALTERNATIVE},
    )
    if setting and setting.forbidden:
        reason = f"the site does not permit it: {setting.forbidden}"
        return FoundRuntime(runtime=runtime, facts=absent.model_copy(update={"reason": reason, "advice": ""}))
    if not command:
        reason = f"not installed: {' or '.join(runtime.commands)} is not on PATH"
        if failed := worker_init_failure():
            reason = f"{reason}; {failed}"
        return FoundRuntime(runtime=runtime, facts=absent.model_copy(update={"reason": reason}))
    if command != runtime.command:
        runtime = replace(runtime, commands=(command,))
    if runtime.family == "shifter":
        runtime = shifterhere.as_installed(runtime, launcher)
    version, reason = _version(runtime, launcher)
    runtime = replace(runtime, settings=(*runtime.settings, ("version", version)))
    for why in (_no_converter, _left_out, _closed, _podman_instead):
        reason = reason or why(runtime, launcher)
    security = () if reason else _security(runtime, version, launcher)
    if _CONTAINERD in security:
        runtime = replace(runtime, settings=(*runtime.settings, CONTAINERD_STORE))
    reason = reason or _other_engine(runtime, security)
    if reason:
        return FoundRuntime(runtime=runtime, facts=absent.model_copy(update={"reason": reason}))
    facts = absent.model_copy(
        update={
            "present": True,
            "advice": "",
            "command": launcher.find(command),
            "version": version,
            "security": security or (("cgroups: not told",) if runtime.has_engine else ()),
            "impairment": "" if runtime.id == CONTROL else impairment(runtime, version, launcher),
        }
    )
    return FoundRuntime(runtime=runtime, facts=facts)


def _version(runtime: Runtime, launcher: Launcher) -> tuple[str, str]:
    """Ask for the version; give it, or the reason why there is none."""
    done = _run(launcher, runtime.version_argv())
    printed = (done.stdout.strip() or done.stderr.strip()).decode(errors="replace")  # ch-run: on stderr
    said = reason_of(done)
    if done.evidence.timed_out:
        return "", f"installed, but does not answer within {_ANSWER_S:g} s"
    if done.evidence.exit_status < 0:
        return "", f"installed, but ended by signal {-done.evidence.exit_status}: {said}"
    if not done.ok or not printed:
        return "", f"installed, but does not answer: {said}"
    version = _one_line(runtime.parse_version(printed))
    if runtime.tells_version and not any(character.isdigit() for character in version):
        return "", f"installed, but what it says is no version: {version or said}"
    return version, ""


def _no_converter(runtime: Runtime, launcher: Launcher) -> str:
    """Say which command is missing that makes the runtime's form of an image; empty where none is."""
    missing = [name for name in runtime.converters if not launcher.find(name)]
    return f"installed, but {', '.join(missing)}, which makes its images, is not on PATH" if missing else ""


def _left_out(runtime: Runtime, launcher: Launcher) -> str:
    """Say that the command was built without what the mode needs; empty where it was not, or is not told.

    A no is without a word. What does not know the question says so, and a start will show it.
    """
    if not runtime.built_with:
        return ""
    done = _run(launcher, (runtime.command, *runtime.built_with))
    if done.ok or done.stderr.strip() or done.evidence.exit_status != 1:
        return ""
    return f"installed, but built without it: '{runtime.command} {' '.join(runtime.built_with)}' says no"


def _closed(runtime: Runtime, launcher: Launcher) -> str:
    """Say why the measuring user cannot use the device that the runtime needs; empty where that is open."""
    device = runtime.device
    if not device or _run(launcher, ("test", "-r", device, "-a", "-w", device)).ok:
        return ""
    if not Path(device).exists():
        return f"installed, but there is no {device} here: hardware virtualisation is unavailable"
    return f"installed, but {launcher.user.name} may not use {device}"


def _one_line(text: str) -> str:
    """What a command said, fit for a table: one line, not long, nothing that steers a terminal."""
    lines = _STEERING.sub("", text).strip().splitlines()
    return "".join(character for character in next(iter(lines), "") if character.isprintable())[:_MOST]


def _run(launcher: Launcher, argv: tuple[str, ...]) -> Completed:
    return launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)


def _security(runtime: Runtime, version: str, launcher: Launcher) -> tuple[str, ...]:
    """What the runtime's family tells of its own confinement."""
    if runtime.family == "docker":
        return _docker_security(_docker_address(runtime, launcher))
    if runtime.dialect == "podman":
        return podmanhere.confinement(runtime, launcher)
    if runtime.family == "apptainer":
        return apptainerhere.confinement(runtime, version, launcher)
    if runtime.family == "shifter":
        return shifterhere.confinement(runtime, launcher)
    return ()


def _podman_instead(runtime: Runtime, launcher: Launcher) -> str:
    """Say so where what answers as Docker is Podman: its engine's own component says what it is.

    Source: the engines' answer to ``GET /version`` (``Components``). The command of podman-docker has no
    such engine, and names itself when asked for its version.
    """
    if runtime.family != "docker":
        return ""
    asked = (runtime.command, *runtime.engine_options, "version", "--format", "{{json .Server.Components}}")
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        names = [str(part.get("Name", "")) for part in json.loads(_run(launcher, asked).stdout) or ()]
        if any(name.lower().startswith("podman") for name in names):
            return "docker here is Podman: Podman's engine answers (DOCKER_HOST, or docker context)"
    if _run(launcher, (runtime.command, "--version")).stdout.lower().startswith(b"podman"):
        return "docker here is Podman: the command docker is that of the package podman-docker"
    return ""


def _other_engine(runtime: Runtime, security: tuple[str, ...]) -> str:
    """Say so where a client of Docker's is pointed at an engine of the other kind.

    By DOCKER_HOST or by a context: the set-up of rootless Docker makes its own the user's default.
    """
    if runtime.family != "docker" or not security:
        return ""
    rootless, wanted = _ROOTLESS in security, isinstance(runtime, RootlessDocker)
    if rootless is wanted:
        return ""
    kind = "a rootless one" if rootless else "the root daemon"
    return f"the engine that answers is {kind} (DOCKER_HOST, or docker context)"


def _docker_address(runtime: Runtime, launcher: Launcher) -> str:
    """Give the address of the engine that the client talks to; empty where it cannot be told."""
    options = dict(pairwise(runtime.engine_options))
    if address := options.get("--host") or options.get("-H"):
        return address
    argv = (runtime.command, *runtime.engine_options, "context", "inspect")
    done = _run(launcher, (*argv, "--format", "{{.Endpoints.docker.Host}}"))
    return (
        done.stdout.decode(errors="replace").strip() if done.ok else launcher.user.env.get("DOCKER_HOST", "")
    )


def _docker_security(address: str) -> tuple[str, ...]:
    import docker  # noqa: PLC0415 - a tenth of a second, for which no other command has to wait
    import docker.errors  # noqa: PLC0415 - as above

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
        *((_CONTAINERD,) if _keeps_images_in_containerd(info.get("DriverStatus")) else ()),
    )


def _keeps_images_in_containerd(status: object) -> bool:
    """Tell containerd's image store by its driver: the default of new installations from Docker 29 on."""
    rows = status if isinstance(status, list) else []
    return any(row[:1] == ["driver-type"] and "io.containerd.snapshotter" in str(row[1:]) for row in rows)
