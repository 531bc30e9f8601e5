"""The batch part of a site's file: which engine jobs go to, how they are submitted, what they ask for.

The names are those of the schedulers and of Parsl, so that a site contact copies them from a batch script.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator, model_validator

from evaluation.documents import StrictModel, Text

__all__ = ["SUBMITTED", "Batch", "Native"]

SUBMITTED: Final = ("slurm", "gridengine")
"""The engines that jobs are really submitted to. Others can be declared; nobody has tried them here."""

_DIRECTIVES: Final = {"slurm": "#SBATCH ", "gridengine": "#$ "}
_SAID_OTHERWISE: Final = {
    "cores_per_node": "#$ -pe ENVIRONMENT CORES",
    "mem_per_node": "#$ -l h_vmem=SIZE",
    "account": "#$ -P PROJECT",
}
_NAMED: Final = re.compile(r"#SBATCH --[a-z-]+=.+")
_WALLTIME: Final = r"^\d{1,3}:[0-5]\d:[0-5]\d$"


class Native(StrictModel):
    """A launch by the scheduler itself: Slurm's container options, Shifter's SPANK plugin, Pyxis.

    The payload is started as ``srun OPTIONS -- CLIENT PAYLOAD``. ``{image}`` stands for the image.
    """

    options: Annotated[tuple[Text, ...], Field(min_length=1)]
    """Words for ``srun``, as in ``--image={image}`` (Shifter) or ``--container={image}`` (an OCI bundle)."""
    bind: Text | None = None
    """One word for each bind, with ``{source}`` and ``{target}``; without it a task with binds is refused."""
    workdir: Text | None = None
    """The word for the working directory, with ``{workdir}``; without it Slurm's ``--chdir``."""
    env: Text | None = None
    """A word, with ``{name}``, for each variable that is set, where the image's own would come before it."""
    client: tuple[Text, ...] = ()
    """What stands before the payload, as in ``shifter`` where the plugin only sets the image up."""

    @field_validator("bind")
    @classmethod
    def _says_where(cls, bind: str | None) -> str | None:
        if bind is not None and not ("{source}" in bind and "{target}" in bind):
            message = "should hold {source} and {target}"
            raise ValueError(message)
        return bind


Engine = Literal["local", "slurm", "gridengine", "lsf", "pbs", "htcondor", "unknown"]
"""The batch systems that a site can name."""


class Batch(StrictModel):
    """The batch system that jobs are submitted to, and what a job asks it for."""

    engine: Engine
    """``local`` works here, without a daemon and without a port; to some of the others jobs are submitted."""
    reason: Text | None = None
    """How that is known; the facts say more."""
    source: Text | None = None
    """Where the values below come from: the site's documentation, or whoever set them."""
    submit_by: Literal["parsl", "psij"] = "parsl"
    """``psij`` where nodes cannot connect back to the submitting host: one plain batch script per task."""
    partition: Text | None = None
    """Slurm's partition."""
    queue: Text | None = None
    """Grid Engine's queue."""
    account: Text | None = None
    """Whom the time is charged to."""
    nodes: Annotated[int, Field(ge=1, le=1000)] = 1
    """At most so many nodes at once; each is a job of its own, so a queue may start them one by one."""
    cores_per_node: Annotated[int, Field(ge=1)] | None = None
    """Cores that a job asks for; not said, what the engine gives."""
    mem_per_node: Annotated[int, Field(ge=1)] | None = None
    """Memory that a job asks for, GB (as Parsl and ``sbatch --mem=NG`` count it)."""
    walltime: Annotated[str, Field(pattern=_WALLTIME)] = "02:00:00"
    """How long a job may last, as HH:MM:SS."""
    start_within: Annotated[str, Field(pattern=_WALLTIME)] = "01:00:00"
    """How long to wait in the queue, as HH:MM:SS; then the jobs are cancelled and the reason is told."""
    worker_init: tuple[Text, ...] = ()
    """Lines of shell that the job's script begins with, such as ``module load apptainer``."""
    scheduler_options: tuple[Text, ...] = ()
    """Directives of the job's script, as they stand in one: ``#SBATCH --exclusive``, ``#$ -pe smp 4``."""
    address: Text | None = None
    """Address of the submitting host that nodes connect to (Parsl); not said, they try all it has."""
    environment: Text | None = None
    """Folder of the Python environment on the nodes; not said, it is where it is here."""
    env: Mapping[Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")], str] = Field(default_factory=dict)
    """Variables that the engine's commands need; what is set already when we are called stays as it is."""
    remark: Text | None = None
    """What must be said beside every result that was measured in a job here."""

    @model_validator(mode="after")
    def _speaks_its_language(self) -> Batch:
        if self.partition and self.engine != "slurm":
            message = "'partition' is Slurm's word; other engines have a 'queue'"
            raise ValueError(message)
        if self.queue and self.engine == "slurm":
            message = "'queue' is not Slurm's word; it has a 'partition'"
            raise ValueError(message)
        if self.environment is not None and not self.environment.startswith("/"):
            message = "'environment' should be an absolute path"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _asks_grid_engine_in_its_way(self) -> Batch:
        if self.engine != "gridengine":
            return self
        if self.submit_by == "psij":
            message = "'psij' does not know Grid Engine; 'parsl' does"
            raise ValueError(message)
        for name, instead in _SAID_OTHERWISE.items():
            if getattr(self, name) is not None:
                message = f"{name!r} means nothing to Grid Engine: put {instead!r} into 'scheduler_options'"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _has_whole_directives(self) -> Batch:
        mark = _DIRECTIVES.get(self.engine)
        for line in self.scheduler_options:
            if mark is None:
                message = f"'scheduler_options' mean nothing to the engine {self.engine!r}"
                raise ValueError(message)
            if not line.startswith(mark) or "\n" in line:
                message = f"should be one line beginning with {mark.strip()!r}: {line!r}"
                raise ValueError(message)
            if self.submit_by == "psij" and not _NAMED.fullmatch(line):
                message = f"'psij' takes '#SBATCH --NAME=VALUE' only: {line!r}"
                raise ValueError(message)
        return self

    @property
    def directives(self) -> tuple[str, ...]:
        """What every job at this site asks for, as lines of its script: whoever submits it, and for what.

        The one place where this description becomes options of a submission.
        """
        mark = _DIRECTIVES.get(self.engine, "")
        named: Mapping[str, Mapping[str, object]] = {
            "slurm": {
                "--partition=": self.partition,
                "--account=": self.account,
                "--cpus-per-task=": self.cores_per_node,
                "--mem=": self.mem_per_node and f"{self.mem_per_node}G",
            },
            "gridengine": {"-q ": self.queue},
        }
        asked = named.get(self.engine, {})
        return (*(f"{mark}{name}{value}" for name, value in asked.items() if value), *self.scheduler_options)

    @property
    def options(self) -> tuple[str, ...]:
        """The same as words of ``sbatch`` or ``qsub``."""
        mark = _DIRECTIVES.get(self.engine, "")
        words = (shlex.split(line.removeprefix(mark), comments=True) for line in self.directives)
        return tuple(word for line in words for word in line)

    @property
    def submits(self) -> bool:
        """Whether work is handed to a scheduler, and not done here."""
        return self.engine in SUBMITTED

    @property
    def walltime_s(self) -> float:
        """How long a job may last, seconds."""
        return _seconds(self.walltime)

    @property
    def start_within_s(self) -> float:
        """How long to wait in the queue, seconds."""
        return _seconds(self.start_within)


def _seconds(clock: str) -> float:
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0 + int(seconds)
