"""P11: whether the payload can read what runtimes hide in /proc."""

from contextlib import suppress
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT
from evaluation.probes.judging import ABSENT, CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

HIDDEN = ("/proc/timer_list", "/proc/kcore", "/proc/sched_debug")
"""Files of root's alone that the usual masks cover, as far as this kernel has them."""
PEEKED_BYTES = 16


def observe(session: Session) -> None:
    """Let the payload look at those files, take away what lies over them, and look again."""
    present = [path for path in HIDDEN if Path(path).exists()]
    if not present:
        session.record(ABSENT, "this kernel has none of the files that runtimes hide in /proc")
        return
    completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "unmask", *present))
    answer, evidence = read_answer(completed), (completed,)
    peeks, apart = answer.all("peek"), answer.first("apart")
    if apart is None or len(peeks) < len(present):
        session.record(PROBLEM, answer.problem or "the payload reported too little", evidence=evidence)
        return
    expected = {path: _peek(path) for path in present} if session.privileged else {}
    if session.privileged:
        session.record(CONTROL_DONE, any(expected.values()))
    else:
        session.record(NOT_PLANTED, NEEDS_ROOT)
    read = [line for line in peeks if _is_real(line, expected)]
    session.record(EFFECT, bool(read), evidence=evidence)
    if read:
        how = "as it was" if read[0].text("when") == "before" else "after it had taken the mask away"
        detail = f"it read {read[0].text('path')} {how}"
    else:
        unmounted = [line.reason for line in answer.all("unmount") if not line.ok]
        last = peeks[-1].reason if not peeks[-1].ok else "nothing of the kernel's was in it"
        why = apart.reason if not apart.ok else unmounted[-1] if unmounted else "done"
        detail = f"taking masks away: {why}; reading: {last}"
    session.record(DETAIL, detail, evidence=evidence)


def _peek(path: str) -> str:
    """The first bytes as the host's root reads them, in hexadecimal digits; they are the same at any time."""
    with suppress(OSError), Path(path).open("rb") as file:
        return file.read(PEEKED_BYTES).hex()
    return ""


def _is_real(line: Line, expected: dict[str, str]) -> bool:
    """Whether the payload read the kernel's file, and not what lies over it."""
    content = line.text("bytes") or ""
    known = expected.get(line.text("path") or "", "")
    return line.ok and bool(content) and line.fields.get("proc") is True and (not known or content == known)


PROBE = Probe(
    id="proc_unmasking",
    version=1,
    checklist_id="P11",
    question="Do the kernel's root-only files in /proc stay closed, even to who takes their masks away?",
    why=(
        "Runtimes that start as root lay masks over files in /proc that tell of the kernel's memory and "
        "timers, because root inside is root to the kernel. A mask that can be unmounted, or was never laid, "
        "protects nothing. Where the payload is no root of the host's, the files' own modes do."
    ),
    method=(
        "In a mount namespace of its own, from which nothing propagates, the payload unmounts whatever lies "
        "over /proc/timer_list, /proc/kcore and /proc/sched_debug, as far as the kernel has them, and reads "
        "16 bytes of each, before and after. They count when they are the kernel's: a file of procfs with "
        "the bytes that the host's root sees. The control is the verifier's own reading as root."
    ),
    remedy=(
        "Do not add CAP_SYS_ADMIN, run privileged or use --security-opt systempaths=unconfined; run the "
        "payload as the user, or the engine rootless."
    ),
    observe=observe,
    judge=Attempt(
        done="a file of the kernel's that is root's alone was read",
        not_done="the kernel's root-only files in /proc stayed closed",
        control="root itself could",
    ),
    severity=Severity.MEDIUM,
    severity_reason="It is a step towards root: addresses and memory of the kernel help whoever attacks it.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="docker/cli pull request 1808: systempaths=unconfined",
            url="https://github.com/docker/cli/pull/1808",
        ),
        Reference(
            title="OCI runtime specification: masked paths",
            url="https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md",
        ),
    ),
)
