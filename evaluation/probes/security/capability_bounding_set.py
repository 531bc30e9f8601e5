"""P03: whether a program inside could still gain capabilities on the host."""

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt
from evaluation.probes.reception import attend
from evaluation.probes.visits import CANNOT_LOOK


def observe(session: Session) -> None:
    """Let the payload show itself, and read its bounding set and its user namespace from the host."""
    seen = attend(session, "visit", session.work_inside)
    visit, evidence = seen.first("v"), (seen.completed,)
    mask = visit.mask("CapBnd") if visit else None
    if visit is None or mask is None or seen.answer.problem:
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    on_host = visit.in_user_namespace_of_host
    if mask and on_host is None:
        session.record(NOT_PLANTED, CANNOT_LOOK, evidence=evidence)
        return
    where = "of the host" if on_host else "of its own"
    session.record(EFFECT, bool(mask) and on_host is True, evidence=evidence)
    session.record(DETAIL, f"bounding set {mask:016x} in a user namespace {where}", evidence=evidence)


PROBE = Probe(
    id="capability_bounding_set",
    version=1,
    checklist_id="P03",
    question="Is the set of capabilities that a program inside could gain on the host empty?",
    why=(
        "The bounding set is the ceiling for everything that a process and its children can become by "
        "starting a setuid program or one with file capabilities. An empty one makes every such program of "
        "an image harmless, even where the no_new_privs bit was forgotten."
    ),
    method=(
        "The payload calls the verifier's socket and waits; the verifier reads its bounding set (CapBnd) and "
        "user namespace from the host's /proc. In a user namespace of the user's own it limits nothing on "
        "the host, and does not count. The control is the bare process, whose set is full on an ordinary "
        "host."
    ),
    remedy=(
        "docker run --cap-drop ALL and, by name, what is needed; or a runtime that works in a user "
        "namespace, or drops the set as Apptainer's and Shifter's setuid builds do."
    ),
    observe=observe,
    judge=Attempt(
        done="a program inside could gain capabilities on the host",
        not_done="no program inside can gain a capability on the host",
    ),
    severity=Severity.LOW,
    severity_reason=(
        "It is a ceiling: without a setuid program or file capability to climb by, it does nothing."
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="capabilities(7), Capability bounding set",
            url="https://man7.org/linux/man-pages/man7/capabilities.7.html",
        ),
        Reference(
            title="CIS Docker Community Edition Benchmark 1.1.0, 5.3: kernel capabilities are restricted",
            url=(
                "https://www.tenable.com/audits/items/CIS_Docker_Community_Edition_L1_Docker_v1.1.0.audit:d198963d68840e929680d530b6d870b0"
            ),
        ),
    ),
)
