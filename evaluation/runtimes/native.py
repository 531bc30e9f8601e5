"""A launch by the scheduler itself, inside a job: ``srun`` with its container options before the payload.

Which words there are is the site's to say (``sites/*.yaml``, ``runtimes: RUNTIME: native``): Slurm's own
(``--container=BUNDLE``, from 21.08), those of Shifter's SPANK plugin (``--image=TYPE:TAG``), those of Pyxis
(``--container-image=IMAGE``, ``--container-mounts=FROM:TO``, ``--container-workdir=PATH``; the variables of
the image come before the job's unless ``--container-env=NAME`` names them). Mounts add up when repeated.

Source: srun(1); Slurm's Containers Guide; the manual of Shifter; args.c of NVIDIA/pyxis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from evaluation.batch import Native
from evaluation.model import Task
from evaluation.runtimes.base import Argv, RuntimeRefusalError

__all__ = ["native_argv"]


def native_argv(native: Native, task: Task, *, where: str) -> Argv:
    """Build the command line that has Slurm start a task.

    Parameters
    ----------
    native : Native
        The site's words.
    task : Task
        What to run. Its environment is exported beside the job's own.
    where : str
        The runtime's id, for errors.

    Raises
    ------
    RuntimeRefusalError
        The task wants what the site's words cannot say, or Slurm would misread it.
    """

    def refuse(what: str) -> RuntimeRefusalError:
        return RuntimeRefusalError(what, where=f"{where}, started by the scheduler")

    if not task.image or task.image.startswith("-"):
        raise refuse(f"{task.image!r} is no image")
    if task.binds and native.bind is None:
        raise refuse("the site's file does not say how a bind is asked for (native: bind)")
    unsayable = {
        "a writable image": task.writable,
        "its own processors": task.cpus,
        "its own limit of memory": task.memory_bytes,
        "a terminal": task.terminal,
    }
    for what, asked in unsayable.items():
        if asked:
            raise refuse(f"{what} cannot be asked for in one launch: it is the job's")
    for key, value in task.env:
        if "," in value or "\n" in value:
            raise refuse(f"the variable {key} holds a comma or a new line, at which srun --export ends it")
    for bind in task.binds:
        if any(mark in path for mark in ":," for path in (bind.source, bind.target)):
            raise refuse(f"a bind's path holds a colon or a comma: {bind.source} -> {bind.target}")
    workdir = _filled(native.workdir or "--chdir={workdir}", {"workdir": task.workdir or ""})
    binds = [
        _filled(native.bind or "", {"source": bind.source, "target": bind.target})
        + (":ro" if bind.read_only else "")
        for bind in task.binds
    ]
    exports = ",".join(["ALL", *(f"{key}={value}" for key, value in task.env)])
    return (
        "srun",
        "--nodes=1",
        "--ntasks=1",
        *((workdir,) if task.workdir else ()),
        f"--export={exports}",
        *(_filled(option, {"image": task.image}) for option in native.options),
        *binds,
        *(_filled(native.env, {"name": key}) for key, _ in task.env if native.env),
        "--",
        *native.client,
        *task.argv,
    )


def _filled(word: str, values: Mapping[str, str]) -> str:
    """Fill in names in braces; what a value holds is not filled in again."""
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), word)
