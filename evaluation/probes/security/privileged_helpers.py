"""B14: which setuid helpers or root daemons a mode needs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret, wait_for
from evaluation.probes.hostprocesses import found_by, hidden, not_found, setuid_starter
from evaluation.probes.judging import ABSENT, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.reasons import reason_of

READY_S = 30.0
LIFETIME_S = 60
"""The payload ends by itself should everything else fail."""
WHOLE = 2**32 - 1
"""How many ids the initial user namespace maps (user_namespaces(7))."""


def observe(session: Session) -> None:
    """Look at a running container's parents and its map of ids, then start one without new privileges."""
    token = secret()
    program = f"{session.payload_inside}/{PAYLOAD}"
    argv = (program, "await-signal", f"{session.work_inside}/{token}", str(LIFETIME_S), token)
    task = session.start(argv)
    try:
        ready = wait_for(session.work / f"{token}.ready", READY_S)
        payload = found_by(program, token) if ready else None
        pid = payload.pid if payload else 0
        parents = _started_by(pid, task.pid) if pid else ()
        starter = setuid_starter(payload) if payload else ""
        ids = _mapped(pid) if pid else 0
    finally:
        with suppress(ProcessLookupError):
            task.signal(signal.SIGTERM)
        ended = task.wait(READY_S)
    if ready and not pid:
        session.record(NOT_PLANTED, not_found(), evidence=(ended,))
        return
    if not pid or not ids:
        reason = ended.failure or read_answer(ended).problem or "its process was not found on the host"
        session.record(PROBLEM, f"nothing was seen of a running container: {reason}")
        return
    helpers = [f"{name}, a process of root's, started it" for name, uid in parents if uid == 0]
    if starter:
        helpers.append(f"{starter}, a setuid starter, stands above it")
    if 1 < ids < WHOLE:
        by = f"{starter} wrote its map" if starter else "which takes newuidmap, a setuid helper (or root)"
        helpers.append(f"{ids} ids are mapped into it, {by}")
    if not helpers:
        # Where one is at work already, this could only fail for another reason.
        without = _without_privileges(session, program)
        if without:
            helpers.append(without)
    if helpers:
        session.record(EFFECT, value=True)
        session.record(DETAIL, "; ".join(helpers))
        return
    if unseen := hidden():
        session.record(NOT_PLANTED, f"a daemon of root's would not be seen: {unseen}")
        return
    session.record(
        ABSENT,
        "no setuid helper and no root daemon is at work: it starts with no_new_privs set, every parent of "
        "its process is the user's own, and no id is mapped but the user's",
    )


def _started_by(pid: int, client: int) -> tuple[tuple[str, int], ...]:
    """Name those who started a process, with their effective uid: up to the client, to init, or to us.

    What lost its parent becomes a child of our own launcher, which started nothing.
    """
    ours = {client, *(parent for parent, _, _ in _parents(client))}
    if pid in ours:
        return ()
    theirs = takewhile(lambda parent: parent[0] not in ours, _parents(pid))
    return tuple((name, uid) for _, name, uid in theirs)


def _parents(pid: int) -> Iterator[tuple[int, str, int]]:
    """A process's parents, nearest first and without init: process id, name, effective uid."""
    with suppress(OSError, KeyError):
        while (pid := int(_status(pid)["PPid"])) > 1:
            fields = _status(pid)
            yield pid, fields["Name"], int(fields["Uid"].split()[1])


def _status(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def _mapped(pid: int) -> int:
    """Count the user ids that exist in a process's user namespace; 0 where that cannot be read.

    An unprivileged process may map its own id and no other (user_namespaces(7)).
    """
    try:
        text = Path(f"/proc/{pid}/uid_map").read_text(encoding="utf-8")
    except OSError:
        return 0
    return sum(int(line.split()[2]) for line in text.splitlines())


def _without_privileges(session: Session, program: str) -> str:
    """Launch once more, so that no setuid bit counts; say what follows from it, empty where it starts."""
    usual = session.launch((program, "identity"))
    if read_answer(usual).problem:
        return ""
    again = session.on_host(("setpriv", "--no-new-privs", *usual.evidence.argv), timeout_s=60.0)
    if not read_answer(again).problem:
        return ""
    return f"a setuid helper: with no_new_privs set it does not start ({reason_of(again)})"


PROBE = Probe(
    id="privileged_helpers",
    version=1,
    checklist_id="B14",
    question="Does this mode do without setuid helpers and daemons of root's?",
    why=(
        "Every program that works for users with root's rights is one more whose faults are the node's: "
        "most of the runtimes' grave advisories are about just these. What needs none can be installed by a "
        "user, and fails as a user."
    ),
    method=(
        "While a container runs, the verifier reads on the host who started its process, up to the client "
        "that was launched (a parent of root's is a daemon), and how many user ids are mapped into its user "
        "namespace: the kernel lets an unprivileged process map its own id alone, so that more of them took "
        "a privileged helper; and whether a starter-suid that has capabilities on the host stands above it "
        "(Apptainer, SingularityCE). Where neither is seen, the same command is launched once more with "
        "no_new_privs set, under which no setuid program and no file capability works. The control is the "
        "bare process, which needs none. Which packages these programs come from, and which advisories they "
        "have, is listed beside the attempts."
    ),
    remedy=(
        "Modes without any: Apptainer and SingularityCE without their setuid starter (not installed, "
        "'allow setuid = no', or --userns), Charliecloud. Where a helper is wanted, keep it patched before "
        "all else: newuidmap and newgidmap for rootless engines; for Docker, the daemon, containerd and runc."
    ),
    severity=Severity.HIGH,
    severity_reason="A fault in a setuid helper or a root daemon is root on the host.",
    observe=observe,
    judge=Attempt(
        done="it needs what works with root's rights",
        not_done="it needs nothing that works with root's rights",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="user_namespaces(7), User and group ID mappings",
            url="https://man7.org/linux/man-pages/man7/user_namespaces.7.html",
        ),
        Reference(
            title="PR_SET_NO_NEW_PRIVS(2const)",
            url="https://man7.org/linux/man-pages/man2/pr_set_no_new_privs.2const.html",
        ),
        Reference(
            title="Docker documentation, Docker Engine security: the daemon's attack surface",
            url="https://docs.docker.com/engine/security/",
        ),
    ),
)
