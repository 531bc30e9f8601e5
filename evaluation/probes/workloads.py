"""Workloads as probes: every file of ``workloads/`` is one, with the same way of observing and judging."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.model import Bind
from evaluation.probes.base import Completed, Judgement, Observations, Probe, Session
from evaluation.probes.canaries import plant_file
from evaluation.probes.judging import PROBLEM, relative
from evaluation.reasons import last_words
from evaluation.workloads import Workload, WorkloadFile, list_workloads, load_workload

__all__ = ["probe_of", "workload_probes"]

RATE = "rate"
OUTPUT = "output_sha256"

_NOTHING = hashlib.sha256(b"").hexdigest()

_METHOD = (
    " A turn counts only if the job ended well, printed figures within their declared bounds and wrote "
    "output that is not empty; what is hashed must be that of the control, byte for byte. The control is the "
    "same command on the bare host, with the programs of the unpacked image tree."
)
_REMEDY = (
    "See which of the smaller probes (imports, opening files, system calls, memory) is slow in the same "
    "runtime, and fix that; where the output differs, find out what else differs before trusting either."
)


def workload_probes(folder: Path) -> tuple[Probe, ...]:
    """Make a probe of every workload in a folder, by name.

    Raises
    ------
    FaultyDocumentError
        A file is faulty.
    """
    return tuple(probe_of(load_workload(folder, name)) for name in list_workloads(folder))


def probe_of(workload: Workload) -> Probe:
    """Make a probe of a workload."""
    file = workload.file
    return Probe(
        id=workload.id,
        version=file.version,
        question=file.question,
        why=file.why,
        method=file.method.strip() + _METHOD,
        remedy=_REMEDY,
        observe=_Observer(workload),
        judge=_Judge(file),
        unit=file.rate.unit,
        needs=("image",),
        image=file.image,
        quick=False,
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """Gives the rate per block, if the same work was done as on the bare host."""

    file: WorkloadFile

    def __call__(self, own: Observations, others: Mapping[str, Observations]) -> Judgement:
        same = [name for name, figure in self.file.figures.items() if not figure.varies]
        return relative(own, others, RATE, same_work=(*same, *([OUTPUT] if self.file.hashed else [])))


@dataclass(frozen=True, slots=True)
class _Observer:
    """Runs the job once and holds what came out against what is declared."""

    workload: Workload

    def __call__(self, session: Session) -> None:
        try:
            self._observe(session)
        finally:
            for path in self.workload.files:
                (session.work / path.name).unlink(missing_ok=True)

    def _observe(self, session: Session) -> None:
        file = self.workload.file
        for path in self.workload.files:
            plant_file(session.work, path.name, path.read_text(encoding="utf-8"), mode=0o644)
        completed = session.launch(
            tuple(self._filled(word, session) for word in file.argv),
            binds=[Bind(source=item.source, target=item.target) for item in file.data.values()],
            env={key: self._filled(value, session) for key, value in file.env.items()},
            workdir=session.work_inside,
            timeout_s=file.timeout_s,
        )
        figures, fault = _figures(completed, file)
        sums: dict[str, str] = {}
        witnesses = [completed]
        if not fault:
            counted = session.on_host(
                ("sha256sum", "--", *(f"{session.work}/{path}" for path in file.output)), timeout_s=120.0
            )
            witnesses.append(counted)
            sums, fault = _sums(counted, file)
        if fault:
            session.record(PROBLEM, fault, evidence=witnesses)
            return
        seconds = figures[file.rate.seconds] if file.rate.seconds else completed.evidence.duration_s
        session.record(RATE, figures[file.rate.amount] / seconds, file.rate.unit, evidence=witnesses)
        session.record("launch", completed.evidence.duration_s, "s", evidence=witnesses)
        for name, value in figures.items():
            session.record(name, value, evidence=witnesses)
        if file.hashed:
            whole = hashlib.sha256("".join(sums[path] for path in file.hashed).encode()).hexdigest()
            session.record(OUTPUT, whole, evidence=witnesses)

    def _filled(self, text: str, session: Session) -> str:
        """Put in the paths as this arm sees them."""
        text = text.replace("{image}", session.image_path("")).replace("{work}", session.work_inside)
        for name, item in self.workload.file.data.items():
            text = text.replace(f"{{{name}}}", item.source if session.is_control else item.target)
        return text


def _figures(completed: Completed, file: WorkloadFile) -> tuple[dict[str, float], str]:
    """Read the figures out of what was printed; also, why they are not to be relied on."""
    if not completed.ok:
        return {}, f"the job did not end well ({last_words(completed)})"
    printed = completed.stdout.decode("utf-8", "replace")
    figures: dict[str, float] = {}
    for name, figure in file.figures.items():
        found = re.findall(figure.pattern, printed, re.MULTILINE)
        try:
            figures[name] = float(found[-1])
        except IndexError:
            return {}, f"the job ended with exit status 0 and did not print {name}"
        except ValueError:
            return {}, f"the job printed {found[-1]!r} for {name}, which is no number"
        if not figure.low <= figures[name] <= figure.high:
            return {}, f"{name} is {figures[name]:g}, not between {figure.low:g} and {figure.high:g}"
    seconds = file.rate.seconds
    if seconds and figures[seconds] <= 0:
        return {}, f"{seconds} is {figures[seconds]:g}: a rate cannot be taken"
    return figures, ""


def _sums(counted: Completed, file: WorkloadFile) -> tuple[dict[str, str], str]:
    """Read the digests of the output as the host sees it; also, what is missing or empty."""
    lines = counted.stdout.decode("utf-8", "replace").splitlines()
    sums = {line.partition("  ")[2]: line.partition("  ")[0] for line in lines}
    by_output: dict[str, str] = {}
    for path in file.output:
        digest = next((sums[full] for full in sums if full.endswith(f"/{path}")), "")
        if not digest:
            return {}, f"the job ended with exit status 0 and did not write {path}"
        if digest == _NOTHING:
            return {}, f"the job ended with exit status 0 and {path} is empty"
        by_output[path] = digest
    return by_output, ""
