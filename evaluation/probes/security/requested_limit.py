"""B09: whether a limit that was asked of a runtime is applied or refused, and never ignored."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Completed, Probe, Session
from evaluation.probes.holding import forget, hold, let_go, took
from evaluation.probes.judging import ABSENT, CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.reasons import last_words, reason_in

LIMIT_BYTES = 128 * 2**20
HELD_BYTES = 512 * 2**20
"""Above the limit and as much swap again, which an engine allows by default."""
READY_S = 30.0

FREE, LIMITED = "free", "limited"


def observe(session: Session) -> None:
    """Take memory without a limit, then again with one."""
    try:
        held, free = _take(session, FREE, 0)
        if not held:
            reason = free.failure or last_words(free)
            session.record(
                PROBLEM, f"the payload could not take memory without a limit ({reason})", evidence=(free,)
            )
            return
        session.record(CONTROL_DONE, value=True, evidence=(free,))
        if not session.limits_memory:
            session.record(ABSENT, "this has no option by which a limit could be asked for")
            return
        held, limited = _take(session, LIMITED, LIMIT_BYTES)
    finally:
        forget(session, FREE, LIMITED)
    if str(LIMIT_BYTES) not in limited.evidence.argv:
        session.record(
            NOT_PLANTED,
            "the limit is not on the runtime's command line: nothing was asked of it",
            evidence=(limited,),
        )
        return
    if not held and limited.evidence.timed_out:  # by us: whether the limit would have ended it is not seen
        what = "with the limit the payload neither took the memory nor was it ended for that"
        session.record(PROBLEM, f"{what} ({last_words(limited)})", evidence=(free, limited))
        return
    session.record(EFFECT, held, evidence=(free, limited))
    asked = f"{LIMIT_BYTES >> 20} MiB were asked for"
    if held:
        seen = f"{HELD_BYTES >> 20} MiB were taken{_said(limited)}"
    elif limited.failure:
        seen = f"it was refused: {limited.failure}"
    else:
        seen = f"the payload was ended (exit status {limited.evidence.exit_status})"
    session.record(DETAIL, f"{asked}, {seen}", evidence=(free, limited))


def _take(session: Session, name: str, limit_bytes: int) -> tuple[bool, Completed]:
    words = hold(session.work_inside, name, HELD_BYTES)
    running = session.start((f"{session.payload_inside}/{PAYLOAD}", *words), memory_bytes=limit_bytes)
    held = took(session, name, running, READY_S)
    let_go(session, name)
    return held, running.wait()


def _said(completed: Completed) -> str:
    said = reason_in(completed.stderr.decode("utf-8", "replace"))
    return f"; it said: {said}" if said else " without a word"


PROBE = Probe(
    id="requested_limit",
    version=2,
    checklist_id="B09",
    question="Is a memory limit that was asked of the runtime applied or refused, and never ignored?",
    why=(
        "Whoever asks for a limit relies on it and packs a node by it. A runtime that cannot set one and "
        "starts all the same turns that reliance against the node's other users."
    ),
    method=(
        f"The runtime is asked by its own option for {LIMIT_BYTES >> 20} MiB, and the payload takes "
        f"{HELD_BYTES >> 20} MiB and says on the bind when it has them. It holds where the payload is ended "
        "or the container refused. A runtime without such an option cannot be asked; where the limit is not "
        "on the command line, nothing is shown. The control is the same payload in the same runtime without "
        "the option, which takes them."
    ),
    remedy=(
        "Give rootless runtimes a delegated branch of control groups, version 2; where there is none, "
        "let the batch system's own limit hold (B01) and ask for none. With systemd as the manager the "
        "limit is that of a scope of its own, outside of the job; podman run --cgroups=disabled takes a "
        "limit and applies none."
    ),
    observe=observe,
    judge=Attempt(
        done="a limit that was asked for was ignored",
        not_done="a limit that was asked for was applied or refused",
        control="without the limit the payload took the memory",
    ),
    severity=Severity.MEDIUM,
    severity_reason="A container that is thought to be limited takes memory that others' jobs were given.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="podman-run(1), --memory",
            url="https://docs.podman.io/en/latest/markdown/podman-run.1.html",
        ),
        Reference(
            title="CIS Docker 1.11.0 Benchmark v1.0.0, 5.10 (in Tenable's published audit)",
            url=(
                "https://tenable.com/audits/items/"
                "CIS_Docker_1.11.0_v1.0.0_L1.audit:3ab689afabfaa32188d5d31e4e11e16e"
            ),
        ),
    ),
)
