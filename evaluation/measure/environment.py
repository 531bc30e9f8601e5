"""The environment that everything measured gets: decided here once, the same for every runtime and the host.

A container does not have the host's environment; Docker's has none of it, Apptainer's has all. What changes
how fast a program starts or computes is therefore left out for all of them, the bare host included, and said.
What a client needs to work as its site means it (its engine's address, its folders, a proxy) is kept, and
named where it is set.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from evaluation.reasons import error_in, reason_in

__all__ = ["INIT_FAILED", "INIT_SAID", "altered", "decided", "usable", "worker_init_failure"]

INIT_FAILED = "EVALUATION_INIT_FAILED"
"""The variable by which a job's script tells the first of the site's own lines (worker_init) that failed."""
INIT_SAID = "EVALUATION_INIT_SAID"
"""What these lines said on standard error."""

PRELOADED = Path("/etc/ld.so.preload")
"""ld.so(8): what every program of the host loads that is linked dynamically, and none in a container."""

_OURS = re.compile(
    r"VIRTUAL_ENV|EVALUATION_(KIT|ACCOUNT)$|PYTHON|JPY_|JUPYTER_|IPY|MPLBACKEND|CLICOLOR|PAGER|GIT_PAGER"
)
"""What a virtual environment, the kit or a notebook adds is not the user's own. (So begin the names.)"""

_LEFT_OUT: Mapping[str, re.Pattern[str]] = {
    "it would be loaded on the host, and not in every container": re.compile(r"LD_"),
    "it changes Python on the host, and not in every container": re.compile(r"PYTHON"),
    "a shell would read it on the host, and not in every container": re.compile(r"BASH_ENV$|BASH_FUNC_|ENV$"),
    "it changes memory allocation": re.compile(r"MALLOC_|GLIBC_TUNABLES$|JE_MALLOC|TCMALLOC"),
    "it changes how many threads compute": re.compile(r"(OMP|GOMP|KMP|MKL|OPENBLAS|NUMEXPR|VECLIB|BLIS)_"),
    "messages are asked for in English, in UTF-8": re.compile(r"LC_|LANG$|LANGUAGE$"),
}
_KEPT = re.compile(
    r"(?i)(TMPDIR|XDG_\w+|(http|https|ftp|all|no)_proxy|DOCKER_\w+|CONTAINERS?_\w+|PODMAN_\w+|BUILDAH_\w+"
    r"|STORAGE_\w+|(APPTAINER|SINGULARITY)(ENV)?_\w+|CH_\w+)$"
)
"""Part of how this site means its runtimes to be used; named, because it steers them."""

_SILENT = re.compile(
    r"PYTHONNOUSERSITE$|LC_|LANG|XDG_(SESSION|SEAT|VTNR|DATA_DIRS|CONFIG_DIRS|CURRENT_DESKTOP|MENU)"
)
"""Set nearly everywhere, or by `setup/isolated.sh` for ourselves: no word is worth it."""


def decided(env: Mapping[str, str], *, compiling: bool = False) -> dict[str, str]:
    """Give what of an environment is passed on.

    Parameters
    ----------
    env : mapping of str to str
        The user's own.
    compiling : bool
        For our own hands, which compile and look, and never measure: a compiler may need its libraries.
    """
    kept = {name: value for name, value in env.items() if not _OURS.match(name)}
    if not compiling:
        kept = {name: value for name, value in kept.items() if not _why_left_out(name)}
    if not usable(kept.get("XDG_RUNTIME_DIR", "")):
        kept.pop("XDG_RUNTIME_DIR", None)
    return kept


def altered(env: Mapping[str, str], preloaded: Path | None = None) -> tuple[str, ...]:
    """Say by name, never by value, what of an environment is left out and why, and what steers the runtimes.

    Parameters
    ----------
    env : mapping of str to str
        The user's own.
    preloaded : Path, optional
        Of the loader's own list; `PRELOADED` unless it is given.
    """
    told = []
    for name in sorted(env):
        if _SILENT.match(name) or name == "XDG_RUNTIME_DIR":
            continue
        if why := _why_left_out(name):
            told.append(f"{name} is left out: {why}")
        elif _KEPT.fullmatch(name):
            told.append(f"{name} is kept")
    folder = env.get("XDG_RUNTIME_DIR", "")
    if folder and not usable(folder):
        told.append("XDG_RUNTIME_DIR is left out: it is no folder that this user may write to")
    if listed := _listed(preloaded or PRELOADED):
        told.append(f"{PRELOADED} has every program of the host load {listed}, and none in a container")
    if failed := worker_init_failure():
        told.append(failed)
    return tuple(told)


def worker_init_failure(env: Mapping[str, str] = os.environ) -> str:
    """Say which line of the site's ``worker_init`` failed in this job, and why; empty where none did."""
    failed, said = env.get(INIT_FAILED, ""), env.get(INIT_SAID, "")
    told = ": ".join(filter(None, (failed, reason_in(said) if failed else error_in(said))))
    return f"the site's worker_init failed in this job: {told}" if told else ""


def usable(folder: str) -> bool:
    """Whether a folder that a variable names is there, and may be written to by who we are."""
    return bool(folder) and os.access(f"{folder}/.", os.W_OK | os.X_OK, effective_ids=True)


def _why_left_out(name: str) -> str:
    return next((why for why, names in _LEFT_OUT.items() if names.match(name)), "")


def _listed(path: Path) -> str:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    words = re.split(r"[\s:]+", re.sub(r"#.*", "", text).strip())
    return ", ".join(Path(word).name for word in words if word)
