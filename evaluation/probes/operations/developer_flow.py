"""From a light image to the full one: code mounted, compiled, debugged, edited, and run as users run it."""

import stat
from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.developing import PROGRAM, go_round
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional
from evaluation.probes.timing import lacks

FULL = "med"
"""The image that users have, in which the program has to do the same."""
FIRST, SECOND = 21, 34
"""What the program prints twice of, before and after the edit."""


def observe(session: Session) -> None:
    """Go round twice in the light image, then run the program in the full one and look at whose it is."""
    if lacks(session, "gcc", "gdb", of_image=False):
        return
    full = session.other_image(FULL)
    if not full:
        session.record(
            UNAVAILABLE, f"the full image {FULL} is not in this form: evaluation image build {FULL}"
        )
        return
    rounds = [go_round(session, FIRST), go_round(session, SECOND)]
    evidence = tuple(item for each in rounds for item in each.evidence)
    if problem := next((each.problem for each in rounds if each.problem), ""):
        session.record(PROBLEM, problem, evidence=evidence)
        return
    wrong = [
        f"{when}: {what}"
        for when, each in zip(("first", "edited"), rounds, strict=True)
        for what in each.missing
    ]
    if not wrong:
        ran = session.with_image(full).launch((f"{session.work_inside}/{PROGRAM}",))
        evidence = (*evidence, ran)
        if ran.stdout.split() != [b"answer", str(2 * SECOND).encode()]:
            wrong.append("the full image does not give the same result")
        status = (session.work / PROGRAM).lstat()
        if (status.st_uid, status.st_gid) != (session.uid, session.gid):
            wrong.append(f"the program belongs to {status.st_uid}:{status.st_gid}, not to the user")
        elif not status.st_mode & stat.S_IWUSR:
            wrong.append("the user may not write the program")
    session.record("flows", not wrong, evidence=evidence)
    done = "compiled, debugged, edited, compiled again, the same in the full image, the user's own"
    session.record(DETAIL, "; ".join(wrong) or done, evidence=evidence)


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the whole flow came out."""
    return functional(
        own,
        others,
        "flows",
        works="a developer's flow from the light image to the full one comes out",
        fails="a developer's flow from the light image to the full one breaks",
        host="nor does it come out bare",
    )


PROBE = Probe(
    id="developer_flow",
    version=1,
    question="Can code be compiled and debugged in a light image, and do the same in the users' full one?",
    why=(
        "Developers want a light image with a compiler and their own code from outside; users want one with "
        "everything compiled. Both must share enough that what was built in the one runs in the other, and "
        "what was built must be the developer's own."
    ),
    method=(
        "In the image dev: a C program on the writable bind is compiled, run and stopped by gdb at a line "
        "(as build_and_debug does); the verifier edits it on the host, and the round is gone again. Then the "
        f"program is run in the image {FULL}. It holds where both rounds come out, the full image prints the "
        "same, and the program belongs to the user on the host and may be written by them. The control is "
        "the bare host with its own gcc and gdb."
    ),
    remedy=(
        "Build both images on the same base, run as the user (docker run --user, podman run --userns "
        "keep-id), allow ptrace, and bind the source at the same path everywhere."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    image="dev",
    repeat="once",
    quick=False,
    references=(Reference(title="gdb(1)", url="https://man7.org/linux/man-pages/man1/gdb.1.html"),),
)
