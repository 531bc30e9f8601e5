"""A job that is killed while its payload runs: who survives, whose it is, and what is left on the node."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.asking import NoAnswerError
from evaluation.probes.base import Completed, Session
from evaluation.probes.canaries import plant_file, secret, wait_for
from evaluation.probes.controlgroups import Group, groups_in
from evaluation.probes.hostprocesses import HostProcess, found_by, not_found, still_there
from evaluation.probes.jobs import Job, job, survivor_facts
from evaluation.probes.judging import NOT_PLANTED, PROBLEM

__all__ = ["END_S", "Killed", "killed", "obedient", "short", "stubborn"]

END_S = 5.0
"""How long after the engine has let a job go its payload may still be there."""
LIFETIME_S = 150
_READY_S = 10.0
_HELD_BYTES = 4096
INSIDE, BESIDE = "inside", "beside"

Words = Callable[[str, str], tuple[str, ...]]


def stubborn(prefix: str, token: str) -> tuple[str, ...]:
    """Words of a payload that ignores SIGTERM."""
    return ("stubborn", prefix, str(LIFETIME_S), token)


def obedient(prefix: str, token: str) -> tuple[str, ...]:
    """Words of a payload that sets no handler: process 1 of a container ignores SIGTERM by that alone."""
    return ("hold", str(_HELD_BYTES), prefix, str(LIFETIME_S), token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What became of a job that was killed."""

    job: Job
    payload: HostProcess
    survived: bool
    beside_survived: bool
    took_s: float
    """From the engine's command to the moment it held the job no longer."""
    told: str
    """In words."""
    groups: tuple[Group, ...]
    """The control groups that the payload ran in."""
    tree: str
    """Where an engine keeps what the payload's root is made of; empty where that cannot be seen."""
    evidence: tuple[Completed, ...]


@contextmanager
def killed(
    session: Session, words: Words, *, options: Sequence[str] = (), in_place: bool = False
) -> Iterator[Killed | None]:
    """Submit a job, kill it when its payload is ready; ``None``, with the reason recorded, where it is not.

    What is left of it is ended on the way out.
    """
    token, prefix = secret(), f"{INSIDE}-{secret()[:8]}"
    program = f"{session.payload_inside}/{PAYLOAD}"
    argv = (program, *words(f"{session.work_inside}/{prefix}", token))
    with job(session, argv, options=options, in_place=in_place) as submitted:
        if submitted is None:
            yield None
            return
        if submitted.elsewhere:
            host = submitted.elsewhere
            session.record(
                NOT_PLANTED,
                f"the job ran on {host}, whose processes cannot be seen from here: submit from that node",
            )
            yield None
            return
        ready = submitted.ready(f"{prefix}.ready")
        payload = found_by(program, token) if ready else None
        if payload is None:
            if ready:
                session.record(NOT_PLANTED, not_found())
                _let_go(session, prefix)
                yield None
                return
            if options and submitted.refused:
                raise session.adapter.refuse(
                    f"with {' '.join(options)} it does not start here: {submitted.refused}"
                )
            submitted.complain("the payload was not ready on the node")
            yield None
            return
        done = None
        try:
            try:
                done = _kill(session, submitted, payload)
            except NoAnswerError as error:
                session.record(PROBLEM, error.what, evidence=submitted.evidence)
            yield done
        finally:
            payload.end()
            _let_go(session, prefix)


def _kill(session: Session, submitted: Job, payload: HostProcess) -> Killed:
    uid, group = survivor_facts(payload.pid)
    groups, tree = _groups(payload.pid), _tree(payload.pid)
    with _beside(session) as beside:
        began = time.monotonic()
        gone = submitted.cancel()
        took_s = time.monotonic() - began
        survived = bool(still_there((payload,), END_S))
        beside_survived = bool(beside and still_there((beside,), 0.0))
    system = submitted.system.title
    whose = f"host uid {uid}, control group {short(group)}"
    over = f"{system} held the job no longer after {took_s:.0f} s" if gone else f"{system} still held the job"
    after = f"{END_S:.0f} s later the payload was"
    told = f"{over}; {after} {'still running' if survived else 'gone'} ({whose})"
    return Killed(
        job=submitted,
        payload=payload,
        survived=survived,
        beside_survived=beside_survived,
        took_s=took_s,
        told=told,
        groups=groups,
        tree=tree,
        evidence=(submitted.said, *submitted.evidence),
    )


@contextmanager
def _beside(session: Session) -> Iterator[HostProcess | None]:
    """The same process on the bare host, beside the job."""
    token, prefix = secret(), f"{BESIDE}-{secret()[:8]}"
    words = stubborn(str(session.work / prefix), token)
    running = session.start_on_host((str(session.payload / PAYLOAD), *words))
    try:
        ready = wait_for(session.work / f"{prefix}.ready", _READY_S)
        yield found_by(str(session.payload / PAYLOAD), token) if ready else None
    finally:
        running.signal(signal.SIGKILL, group=True)
        running.wait(_READY_S)
        (session.work / f"{prefix}.ready").unlink(missing_ok=True)


def _let_go(session: Session, prefix: str) -> None:
    """Tell a payload that could not be killed by us that it may end."""
    with suppress(OSError):
        plant_file(session.work, f"{prefix}.go", "", mode=0o644)


def short(text: str) -> str:
    """Cut an engine's long ids as the engine itself does when it lists them."""
    return re.sub(r"([0-9a-f]{12})[0-9a-f]{52}", r"\1", text)


def _groups(pid: int) -> tuple[Group, ...]:
    """The control groups of a process, those at the top of a hierarchy left out."""
    with suppress(OSError):
        groups = groups_in(Path("/proc", str(pid), "cgroup").read_text())
        return tuple(group for group in groups if group.path.count("/") > 1 and group.folder.is_dir())
    return ()


def _tree(pid: int) -> str:
    """The folder of the writable layer of a process's root, where that is an overlay."""
    with suppress(OSError):
        for line in Path("/proc", str(pid), "mountinfo").read_text().splitlines():
            fields = line.split()
            if fields[4] == "/":
                found = re.search(r"upperdir=([^,]+)/[^/,]+", fields[-1])
                return found[1] if found else ""
    return ""
