"""Whether every form of the image holds the same files."""

from collections.abc import Mapping

from evaluation.model import CONTROL, Outcome
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, problem
from evaluation.probes.timing import run_payload

ROOT = "/"
DIGEST_S = 300.0


def observe(session: Session) -> None:
    """Compute the digest inside."""
    completed = run_payload(
        session, "digest", session.image_path(ROOT), session.image_contents, timeout_s=DIGEST_S
    )
    answer = read_answer(completed)
    line = answer.first("digest")
    digest = line.text("sha256") if line else None
    if digest is None:
        reason = str(line.fields.get("first_error")) if line else "no digest was printed"
        session.record(PROBLEM, answer.problem or reason, evidence=(completed,))
        return
    session.record("digest", digest, evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the one digest is the control's."""
    fault, seen = problem(own), set(own.values("digest"))
    if fault or not seen:
        return Judgement(outcome=Outcome.ERROR, message=fault or "no digest was recorded")
    control = set(others.get(CONTROL, own).values("digest"))
    told = ", ".join(sorted(str(digest)[:12] for digest in seen))
    if not control:
        return Judgement(outcome=Outcome.ERROR, message=f"digest {told}, but the control has none")
    if seen == control and len(seen) == 1:
        return Judgement(
            outcome=Outcome.HOLDS, message=f"the same files as the unpacked tree (digest {told})"
        )
    others_told = ", ".join(sorted(str(digest)[:12] for digest in control))
    return Judgement(
        outcome=Outcome.FAILS, message=f"other files: digest {told}, the unpacked tree has {others_told}"
    )


PROBE = Probe(
    id="content_identity",
    version=2,
    question="Does this runtime's form of the image hold the very same files as the unpacked tree?",
    why=(
        "Speed and safety of two runtimes can be compared only if both run the same software. Converters "
        "drop, rename and change files without a word; a digest of an archive cannot see that."
    ),
    method=(
        "A static program inside computes one SHA-256 over kinds, paths, permissions, link targets and "
        "contents of the image's own files as they are seen from inside (owners, times, what runtimes "
        "mount over and files that they add are left out). It holds where the digest is that of the control, "
        "the unpacked tree on the bare host. Any other digest fails, and the figures of that runtime mean "
        "little."
    ),
    remedy=(
        "Remove the form ('evaluation image clean') and convert again; if it still differs, the converter "
        "changes the image."
    ),
    observe=observe,
    judge=judge,
    needs=("image", "payload"),
    repeat="once",
)
