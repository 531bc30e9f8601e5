"""P05: whether programs inside may still gain privileges by starting another program."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import DETAIL, EFFECT, PROBLEM, Attempt


def observe(session: Session) -> None:
    """Ask the kernel for the payload's no_new_privs bit."""
    completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "identity"))
    answer = read_answer(completed)
    line = answer.first("identity")
    bit = line.integer("no_new_privs") if line else None
    if bit not in {0, 1}:
        reason = (
            "the kernel does not know no_new_privs (before Linux 3.5)" if line else "no identity was reported"
        )
        session.record(PROBLEM, answer.problem or reason, evidence=(completed,))
        return
    session.record(EFFECT, bit == 0, evidence=(completed,))
    session.record(DETAIL, f"NoNewPrivs {bit}", evidence=(completed,))


PROBE = Probe(
    id="no_new_privileges",
    version=1,
    checklist_id="P05",
    severity=Severity.MEDIUM,
    severity_reason=(
        "A step towards root, no more: it leaves open every setuid program that the container can see."
    ),
    question="Is it ruled out that a program inside gains privileges by starting another one?",
    why=(
        "With the kernel's no_new_privs bit set, no setuid program and no file capability inside an image, "
        "or on anything bound into it, can raise anybody. An image is whatever a user downloaded: this bit "
        "makes its setuid programs plain files."
    ),
    method=(
        "The payload asks the kernel for its own bit (prctl PR_GET_NO_NEW_PRIVS). The control is the bare "
        "process: where the site sets the bit for every job already, a runtime that sets it too shows "
        "nothing."
    ),
    remedy=(
        "docker run --security-opt no-new-privileges, or no-new-privileges in the daemon's configuration; "
        "podman run --security-opt no-new-privileges; Apptainer sets it always."
    ),
    observe=observe,
    judge=Attempt(
        done="programs inside may gain privileges when they start another program",
        not_done="no program inside can gain privileges by starting another one",
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="PR_SET_NO_NEW_PRIVS(2const)",
            url="https://man7.org/linux/man-pages/man2/pr_set_no_new_privs.2const.html",
        ),
        Reference(
            title="CIS Docker Benchmark 1.6.0, 5.26: restricted from acquiring additional privileges",
            url=(
                "https://tenable.com/audits/items/CIS_Docker_v1.6.0_L1_Docker_Linux.audit:abe65ce91a94f8d984f7abee9c738847"
            ),
        ),
    ),
)
