"""Whether a payload outlives the job that was killed (B06, in a real job)."""

from evaluation.model import Reference
from evaluation.probes.base import Probe, Session
from evaluation.probes.jobkills import END_S, killed, stubborn
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, Attempt


def observe(session: Session) -> None:
    """Kill a job whose payload will not be asked to end, and look for it on the node."""
    with killed(session, stubborn) as done:
        if done is None:
            return
        session.record(CONTROL_DONE, done.beside_survived, evidence=done.evidence[-1:])
        session.record("cancelled_within", done.took_s, "s", evidence=done.evidence)
        session.record(EFFECT, done.survived, evidence=done.evidence)
        session.record(DETAIL, done.told, evidence=done.evidence)


PROBE = Probe(
    id="batch_kill_survival",
    version=2,
    question="Does the payload end when the batch system kills its job?",
    why=(
        "The job is over for the batch system, which gives its cores to the next one. A payload that "
        "somebody "
        "else started computes on beside that, writes to the output of a job that is over, and nobody is "
        "charged."
    ),
    method=(
        "A job is submitted whose payload ignores SIGTERM, as any process 1 of a container does that sets no "
        "handler. It is cancelled (scancel, qdel); when the engine holds it no longer, the payload must be "
        "gone "
        f"within {END_S:.0f} s, as the node's process table says. The control is the same process beside the "
        "job, which must be seen to survive; in the job the bare process dies."
    ),
    remedy=(
        "Start containers by a runtime without a daemon; else remove a job's containers by label in the "
        "epilog "
        "(see batch_epilog), for the batch system's own kill does not reach them."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload outlived its job",
        not_done="the payload died with its job",
        control="the same process beside the job survived",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(title="scancel", url="https://slurm.schedmd.com/scancel.html"),
        Reference(
            title="qdel(1)", url="https://manpages.debian.org/bookworm/gridengine-client/qdel.1.en.html"
        ),
    ),
)
