"""What a killed job leaves on the node, which an epilog must clean (B08 and B10, in a real job)."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

from evaluation.model import Reference
from evaluation.probes.asking import NoAnswerError, answered
from evaluation.probes.base import Probe, Session
from evaluation.probes.controlgroups import hierarchies
from evaluation.probes.hostprocesses import ancestors, hidden, marked, named, still_there
from evaluation.probes.jobkills import END_S, Killed, killed, short, stubborn
from evaluation.probes.jobs import MARK
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

_MOUNTS = Path("/proc/self/mounts")


def observe(session: Session) -> None:
    """Kill a job, and list what of it is still on the node."""
    mounted = _mounts()
    with killed(session, stubborn) as done:
        if done is None:
            return
        try:
            left = _left(session, done, mounted)
        except NoAnswerError as error:
            session.record(PROBLEM, error.what, evidence=done.evidence)
            return
        session.record(CONTROL_DONE, done.beside_survived, evidence=done.evidence[-1:])
        if not left and (unseen := hidden()):
            session.record(
                NOT_PLANTED, f"processes of others would not be seen: {unseen}", evidence=done.evidence
            )
            return
        session.record(EFFECT, bool(left), evidence=done.evidence)
        for what, names in left.items():
            session.record(f"left_{what}", names, evidence=done.evidence)
        told = "; ".join(f"{what}: {names}" for what, names in left.items())
        session.record(
            DETAIL, told or "no process, container, control group, mount or file", evidence=done.evidence
        )


def _left(session: Session, done: Killed, mounted: frozenset[str]) -> dict[str, str]:
    """Name what is left, by kind; what left nothing is not in it."""
    helpers = {
        process.pid: process
        for process in (*marked(MARK, done.job.token), *ancestors(done.payload, until=0))
        if process.name not in session.engine_processes and process.pid != done.payload.pid
    }
    processes = still_there(helpers.values(), END_S if helpers and not done.survived else 0.0)
    found = {
        "payload": f"of host uid {_owner(Path('/proc', str(done.payload.pid)))}" if done.survived else "",
        "processes": named([process for process in processes if process.name not in {"systemd", "init"}]),
        "containers": done.job.launch.name if _listed(session, done) else "",
        "control groups": _groups(done),
        "mounts": short(", ".join(sorted(_ours(session, done, _mounts() - mounted)))),
        "files": ", ".join(_foreign(session.work, session.uid)),
    }
    return {what: names for what, names in found.items() if names}


def _listed(session: Session, done: Killed) -> bool:
    if not done.job.launch.listing:
        return False
    names = answered(session, done.job.launch.listing).stdout.decode(errors="replace").split()
    return done.job.launch.name in names


def _mounts() -> frozenset[str]:
    rows = [line.split() for line in _MOUNTS.read_text(errors="replace").splitlines()]
    return frozenset(f"{kind} {place}" for _, place, kind, *_ in rows)


def _groups(done: Killed) -> str:
    """Name the payload's control groups that are there though nobody else is in them, each path once."""
    counted: Counter[str] = Counter()
    for group in done.groups:
        with suppress(OSError):
            if {int(pid) for pid in (group.folder / "cgroup.procs").read_text().split()} <= {
                done.payload.pid
            }:
                counted[group.path] += 1
    return ", ".join(f"{short(path)} ({hierarchies(number)})" for path, number in counted.items())


def _ours(session: Session, done: Killed, mounts: frozenset[str]) -> frozenset[str]:
    """Those of the container's tree and of the user's folders; others' come and go meanwhile."""
    places = (
        str(session.user_home),
        f"/run/user/{session.uid}",
        str(session.work),
        done.tree or str(session.work),
    )
    return frozenset(mount for mount in mounts if mount.partition(" ")[2].startswith(places))


def _foreign(folder: Path, uid: int) -> list[str]:
    """Files of another uid; what the verifier planted for the payload (``.go``) is none of the job's."""
    owners = {path.name: _owner(path) for path in folder.rglob("*") if path.suffix != ".go"}
    return sorted(f"{name} of uid {owner}" for name, owner in owners.items() if owner not in {uid, -1})


def _owner(path: Path) -> int:
    with suppress(OSError):
        return path.lstat().st_uid
    return -1


PROBE = Probe(
    id="batch_leftovers",
    version=2,
    question="Is the node clean after the batch system has killed a job with a container?",
    why=(
        "What each killed job leaves adds up over a month: containers, control groups and mounts by the "
        "thousand, full tables, nodes that cannot be drained, files that their owner cannot delete."
    ),
    method=(
        "A job is submitted whose payload ignores SIGTERM, and is cancelled. When the engine holds it no "
        "longer, "
        "the node is searched: processes that inherited a word of the job's or stood above its payload, the "
        "engine's container, the payload's control groups, new mounts of the user's and the engine's, files "
        "of another uid in the job's folder. The control is a process beside the job, which must survive."
    ),
    remedy=(
        "Let the epilog remove what is named here: containers by a label with the job's number, and what "
        "belongs "
        "to the user when none of the user's jobs is left on the node."
    ),
    observe=observe,
    judge=Attempt(
        done="the killed job left something on the node",
        not_done="the killed job left nothing on the node",
        control="a process beside the job survived and was seen",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="Slurm: prolog and epilog guide", url="https://slurm.schedmd.com/prolog_epilog.html"),
    ),
)
