"""What is installed where Shifter is: its program, its configuration, and the site's images."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from evaluation.measure.launcher import Command, Launcher
from evaluation.runtimes.base import Runtime
from evaluation.runtimes.shifter import SITE_FILES, configuration_path, read_settings

__all__ = ["as_installed", "confinement"]

_PATIENCE_S = 30.0
_CONFIGURATION = "configuration"
"""Under which `Runtime.settings` keeps the path of ``udiRoot.conf``; the rest are its keys."""


def as_installed(runtime: Runtime, launcher: Launcher) -> Runtime:
    """Give the adapter what it must know of this host: where images lie, and the ids of those that are named.

    An image that is named as the gateway knows it (``docker:name:tag``) is asked for as Shifter asks itself,
    by ``shifterimg lookup``, which prints its id.
    """
    path = Path(launcher.find(runtime.command) or runtime.command)
    settings: dict[str, str] = {}
    with suppress(OSError):
        if named := configuration_path(path.read_bytes()):
            settings = {_CONFIGURATION: named, **read_settings(Path(named).read_text(errors="replace"))}
    if settings.get("populateEtcDynamically", "0") == "0" and settings.get("etcPath"):
        with suppress(OSError):
            settings[SITE_FILES] = " ".join(sorted(os.listdir(settings["etcPath"])))  # noqa: PTH208 - names
    gateway = path.with_name("shifterimg")
    for _, reference in runtime.images:
        if reference.startswith("docker:"):
            argv = (str(gateway), "lookup", reference)
            done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_PATIENCE_S)
            identity = done.stdout.decode(errors="replace").strip()
            if done.ok and identity.isalnum():
                settings[reference] = identity
    return replace(runtime, settings=tuple(settings.items()))


def confinement(runtime: Runtime, launcher: Launcher) -> tuple[str, ...]:
    """Say what decides how it confines: its program, to the byte, and the keys of its configuration.

    The configuration is readable by everybody, by contract. Where the gateway stands is nobody else's
    business: only that there is one.
    """
    path = Path(launcher.find(runtime.command) or runtime.command)
    told: list[str] = []
    with suppress(OSError):
        status, content = path.stat(), path.read_bytes()
        setuid = status.st_uid == 0 and bool(status.st_mode & stat.S_ISUID)
        told += [
            f"setuid helper: {'installed' if setuid else 'not installed'}",
            f"program: {stat.filemode(status.st_mode)}, SHA-256 {hashlib.sha256(content).hexdigest()[:16]}",
        ]
    settings = dict(runtime.settings)
    if not settings.get(_CONFIGURATION):
        return (*told, "configuration: not readable")
    told.append(f"configuration: {os.fspath(Path(settings.pop(_CONFIGURATION)))}")
    for key, value in settings.items():
        if ":" not in key:  # else the id of an image
            told.append(f"{key}: {'set' if key == 'imageGateway' else value}")
    return tuple(told)
