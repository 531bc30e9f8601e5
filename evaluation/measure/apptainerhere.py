"""How Apptainer or SingularityCE works where it is installed: read from its configuration, seen in a start.

Whether a start is privileged, and whether the kernel or a process in user space mounts the image file, is no
property of the product: a site decides it, and it decides speed and exposure. What is configured is part of a
run's fingerprint. What is said of a mode is what was seen; what could not be seen is said to be unknown.

Sources: ``etc/conf`` and ``CHANGELOG.md`` of Apptainer 1.4.5 and SingularityCE 4.5.1, apptainer(1),
user_namespaces(7).
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.manifest import RuntimeFacts, fact
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.userfolder import user_folder
from evaluation.model import WORK, Bind, Form, Task
from evaluation.probes.canaries import secret
from evaluation.probes.hostprocesses import HostProcess, below, found_by, hidden, runs, setuid_starter
from evaluation.reasons import reason_of
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.apptainer import OCI, USERNS, product_of
from evaluation.runtimes.base import Runtime, RuntimeRefusalError

__all__ = [
    "KERNEL",
    "SETUID",
    "UNKNOWN_MOUNT",
    "confinement",
    "host_programs",
    "no_mode_of_its_own",
    "seen",
    "with_what_is_seen",
]

SETUID: Final = "setuid helper: installed"
"""Said where a setuid starter is there and allowed: then no start makes a user namespace unasked."""

KERNEL: Final = "mounted by the kernel (loop device)"
"""Said of an image file that a loop device was seen to stand on."""

UNKNOWN_MOUNT: Final = "not known what serves it"

_ANSWER_S: Final = 30.0
_BUILD_S: Final = 120.0
_LIFETIME_S: Final = 30
_PREFIXES: Final = ("APPTAINER_", "SINGULARITY_")
"""How the names of both products' build settings begin."""

_NO_SETUID: Final = ("not installed", "installed, and switched off")
"""How it is told that every start makes a user namespace; one that lost its bit starts nothing."""

_BOTH: Final = ("Apptainer", "SingularityCE")
_KEYS: Final[tuple[tuple[str, Mapping[str, tuple[int, ...]], str], ...]] = (
    ("allow setuid", dict.fromkeys(_BOTH, (0,)), "yes"),
    ("allow user ns", {"Apptainer": (1, 4), "SingularityCE": (4, 2)}, "yes"),
    ("allow pid ns", dict.fromkeys(_BOTH, (0,)), "yes"),
    ("root default capabilities", dict.fromkeys(_BOTH, (0,)), "full"),
    ("allow setuid-mount squashfs", {"Apptainer": (1, 3)}, "iflimited"),
    ("allow setuid-mount squashfs", {"Apptainer": (1, 1, 8)}, "yes"),
    ("allow setuid-mount extfs", {"Apptainer": (1, 1, 8)}, "no"),
    ("allow setuid-mount encrypted", {"Apptainer": (1, 1, 8)}, "yes"),
    ("allow kernel squashfs", {"SingularityCE": (3, 11, 2)}, "yes"),
    ("allow kernel extfs", {"SingularityCE": (3, 11, 2)}, "yes"),
    ("oci mode", {"SingularityCE": (4, 0)}, "no"),
    ("tmp sandbox", {"SingularityCE": (4, 0)}, "yes"),
    ("max loop devices", dict.fromkeys(_BOTH, (0,)), "256"),
    ("shared loop devices", dict.fromkeys(_BOTH, (0,)), "no"),
    ("image driver", {"Apptainer": (0,)}, ""),
    ("enable overlay", {}, ""),
    ("enable underlay", {}, ""),
    ("limit container owners", dict.fromkeys(_BOTH, (0,)), ""),
    ("limit container groups", dict.fromkeys(_BOTH, (0,)), ""),
    ("limit container paths", dict.fromkeys(_BOTH, (0,)), ""),
    ("mount home", dict.fromkeys(_BOTH, (0,)), "yes"),
    ("mount tmp", dict.fromkeys(_BOTH, (0,)), "yes"),
    ("mount hostfs", dict.fromkeys(_BOTH, (0,)), "no"),
    ("systemd cgroups", {}, ""),
    ("bind path", {}, ""),
    ("user bind control", dict.fromkeys(_BOTH, (0,)), "yes"),
    ("enable fusemount", dict.fromkeys(_BOTH, (0,)), "yes"),
    ("always use nv", dict.fromkeys(_BOTH, (0,)), "no"),
    ("always use rocm", dict.fromkeys(_BOTH, (0,)), "no"),
)
"""What decides privilege, speed, admission, exposure and limits: the key, from which version of a product on
it has this default, and the default. Where a version has none here, only what the file says is told."""

_NAMES_OF_OTHERS: Final = ("limit container", "bind path")
"""Keys whose values name people and folders of the site's: it is told that they are set."""

_SCRIPT: Final = (
    f"n=0; until [ -e {WORK}/stop ] || [ $n -gt {_LIFETIME_S * 20} ]; do n=$((n+1)); sleep 0.05; done"
)
_SHELL: Final = "/bin/sh"
_EXTRACTED: Final = "Converting SIF file to temporary sandbox"
"""What both products say on stderr when they unpack an image file before they start."""


# -- what is configured --------------------------------------------------------------------------------


def confinement(runtime: Runtime, version: str, launcher: Launcher) -> tuple[str, ...]:
    """Say what of its programs and configuration decides how it confines, as ``key: value``.

    Both products tell in ``buildcfg`` whether a setuid starter was built and where the configuration is,
    each under its own names. The file is readable by everybody.
    """
    told = _run(launcher, runtime.command, "buildcfg").decode(errors="replace")
    named = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    keys = {
        name.partition("_")[2] if name.startswith(_PREFIXES) else name: value for name, value in named.items()
    }
    if "SUID_INSTALL" not in keys:
        return ()
    path = keys.get("CONF_FILE", "")
    text = _text(launcher, path)
    settings = _read(text or "")
    return (
        _helper(keys, settings),
        f"configuration: {'not readable' if text is None else path}",
        *(() if text is None else _configured(settings, version)),
        *_execution_control(path, launcher),
    )


def _helper(keys: Mapping[str, str], settings: Mapping[str, Sequence[str]]) -> str:
    if keys["SUID_INSTALL"] != "1":
        return "setuid helper: not installed"
    folder = keys.get("LIBEXECDIR")
    for product in ("apptainer", "singularity") if folder else ():
        with suppress(OSError):
            status = Path(f"{folder}/{product}/bin/starter-suid").stat()
            if status.st_uid != 0 or not status.st_mode & stat.S_ISUID:
                return f"setuid helper: without its bit, or not root's ({stat.filemode(status.st_mode)})"
    if settings.get("allow setuid", ("yes",))[0] == "no":
        return f"setuid helper: installed, and switched off (allow setuid = no in {keys['CONF_FILE']})"
    return SETUID


def _read(text: str) -> dict[str, list[str]]:
    """Read ``key = value`` lines. Of a key that stands several times both products take the first value."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, told, value = line.partition("=")
        if told and not key.lstrip().startswith("#"):
            found.setdefault(" ".join(key.split()), []).append(value.strip())
    return found


def _configured(settings: Mapping[str, Sequence[str]], version: str) -> Iterator[str]:
    product, numbers = product_of(version)
    told: set[str] = set()
    for key, since, default in _KEYS:
        if key in told:
            continue
        if values := [value for value in settings.get(key, ()) if value and value != "NULL"]:
            told.add(key)
            yield f"{key}: {'set' if key.startswith(_NAMES_OF_OTHERS) else values[0]}"
        elif numbers and product in since and numbers >= since[product]:
            told.add(key)
            yield f"{key}: {default or 'not set'} (default)"


def _execution_control(path: str, launcher: Launcher) -> tuple[str, ...]:
    """Say whether the execution control list (``ecl.toml`` beside the configuration) is switched on."""
    if not path:
        return ()
    text = _text(launcher, str(Path(path).with_name("ecl.toml")))
    activated = re.search(r"^\s*activated\s*=\s*true\b", text or "", re.MULTILINE)
    return (f"execution control list: {'activated' if activated else 'not activated'}",)


def no_mode_of_its_own(runtime: Runtime, facts: RuntimeFacts) -> str:
    """Say why a mode would be none of its own here; empty where it is one."""
    options = known_runtimes()[runtime.id].options  # a site's own may ask for the same, of its base
    helper = fact(facts.security, "setuid helper")
    if USERNS in options and helper.startswith(_NO_SETUID):
        return "each start makes one by itself here: it would be the same thing twice"
    product, version = product_of(facts.version)
    if OCI in options and (product != "SingularityCE" or version < (4,)):
        return f"only SingularityCE has it, from version 4 on; this is {facts.version}"
    return ""


# -- what is seen --------------------------------------------------------------------------------------


def with_what_is_seen(
    facts: RuntimeFacts, runtime: Runtime, image: str, launcher: Launcher, binds: Sequence[Bind] = ()
) -> RuntimeFacts:
    """Start a container once, look at it from the host, and let the mode say what was seen."""
    told = seen(runtime, image, launcher, binds)
    return facts.model_copy(update={"seen": told, "mode": _mode(runtime, told)})


def host_programs() -> tuple[Bind, ...]:
    """The host's own programs, for an image that has none."""
    return tuple(
        Bind(source=path, target=path, read_only=True)
        for path in ("/usr", "/bin", "/lib", "/lib64")
        if Path(path).is_dir()
    )


def seen(
    runtime: Runtime,
    image: str,
    launcher: Launcher,
    binds: Sequence[Bind] = (),
    *,
    proc: Path = Path("/proc"),
    sys: Path = Path("/sys"),
) -> tuple[str, ...]:
    """Start a shell that waits, and say what the host sees of it, as ``key: value``.

    Whose user namespace it is in, with which map of ids; whether a setuid starter stands above it; and, of
    an image file, what mounts it.
    """
    with user_folder(launcher, launcher.user.cache) as work:
        if not work:
            return ("not seen: no folder could be made for it",)
        token = secret()
        task = Task(
            image=image,
            argv=(_SHELL, "-c", _SCRIPT, token),
            binds=(*binds, Bind(source=work, target=WORK)),
            workdir="/",
        )
        try:
            argv = runtime.argv(task)
        except RuntimeRefusalError as refusal:
            return (f"not seen: {refusal.what}",)
        started = launcher.start(Command(argv=argv, env=launcher.user.env))
        payload = _awaited(started.pid, token)
        look = _look(payload, started.pid, image, proc, sys) if payload else None
        _run_ok(launcher, "touch", f"{work}/stop")
        ended = started.wait(_ANSWER_S)
    said = ended.stderr.decode(errors="replace")
    if look is None:
        why = runtime.own_failure(ended.evidence.exit_status, said) or hidden() or reason_of(ended)
        return (f"not seen: {why}",)
    told = [f"user namespace: {look.namespace}", f"setuid starter: {look.starter}"]
    told += [f"uid map: {', '.join(look.ids)}"] if look.ids else []
    if runtime.form is Form.SIF:
        mount = "extracted to a directory at each start" if _EXTRACTED in said else look.mount
        told.append(f"image mount: {mount or UNKNOWN_MOUNT}")
    return tuple(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    namespace: str
    starter: str
    ids: tuple[str, ...]
    mount: str


def _awaited(client: int, token: str) -> HostProcess | None:
    give_up = time.monotonic() + _ANSWER_S
    while time.monotonic() < give_up:
        if payload := found_by(_SHELL, token, then="-c"):
            return payload
        if not runs(client):
            return None
        time.sleep(0.02)
    return None


def _look(payload: HostProcess, client: int, image: str, proc: Path, sys: Path) -> _Look:
    namespace, starter = "unknown", "unknown"
    ids: tuple[str, ...] = ()
    with suppress(OSError):
        same = (proc / str(payload.pid) / "ns/user").readlink() == (proc / "self/ns/user").readlink()
        namespace = "the host's" if same else "its own"
    with suppress(OSError):
        text = (proc / str(payload.pid) / "uid_map").read_text()
        ids = tuple(" ".join(line.split()) for line in text.splitlines())
    if not hidden():
        starter = "at work" if setuid_starter(payload) else "not at work"
    return _Look(namespace=namespace, starter=starter, ids=ids, mount=_mount(client, image, proc, sys))


def _mount(client: int, image: str, proc: Path, sys: Path) -> str:
    """Say what mounts an image file: the kernel by a loop device, or which program of FUSE."""
    for backing in sys.glob("block/loop*/loop/backing_file"):
        with suppress(OSError):
            if backing.read_text().strip() == os.path.realpath(image):
                return KERNEL
    for process in below(client):
        if process.name.startswith("squashfuse"):
            with suppress(OSError):
                threads = len(list((proc / str(process.pid) / "task").iterdir()))
                return f"mounted by {process.name} ({'several threads' if threads > 1 else 'one thread'})"
    return ""


def _mode(runtime: Runtime, told: Sequence[str]) -> str:
    """Say who works for it, in which form the image is and what serves it, and what the mode adds."""
    form, _, own = runtime.mode.partition("; ")
    if mount := fact(told, "image mount"):
        form = f"{form}, {mount}"
    return "; ".join(filter(None, (_privilege(told), form, own)))


def _privilege(told: Sequence[str]) -> str:
    namespace, starter = fact(told, "user namespace"), fact(told, "setuid starter")
    ids = fact(told, "uid map").split(", ")
    if namespace == "the host's":
        return (
            "setuid starter" if starter == "at work" else "the host's user namespace, no setuid starter seen"
        )
    if namespace != "its own":
        return "privilege not seen"
    many = sum(int(line.split()[2]) for line in ids if line) > 1
    if starter == "at work":
        return "user namespace, its ids mapped by the setuid starter"
    if many:
        return "user namespace, its ids mapped by newuidmap"
    return "user namespace, nothing privileged seen" if starter == "not at work" else "user namespace"


# -- odds and ends -------------------------------------------------------------------------------------


def _run(launcher: Launcher, *argv: str) -> bytes:
    done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S)
    return done.stdout if done.ok else b""


def _text(launcher: Launcher, path: str) -> str | None:
    """Read a file as the measuring user; ``None`` where that cannot be done."""
    done = launcher.run(Command(argv=("cat", path), env=launcher.user.env), timeout_s=_ANSWER_S)
    return done.stdout.decode(errors="replace") if path and done.ok else None


def _run_ok(launcher: Launcher, *argv: str) -> bool:
    return launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_ANSWER_S).ok
