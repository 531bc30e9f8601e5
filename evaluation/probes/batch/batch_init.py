"""A mitigation, tried: whether an init process in the container hands the job's SIGTERM on."""

from evaluation.model import Reference
from evaluation.probes.base import Probe, Session
from evaluation.probes.jobkills import END_S, killed, obedient
from evaluation.probes.jobs import NO_ENGINE
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, Attempt

OPTION = "--init"


def observe(session: Session) -> None:
    """Kill a job whose payload would end by SIGTERM, without an init process and with one."""
    if session.batch is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        return
    options: tuple[str, ...] = ()
    without = None
    if not session.is_control:
        if not session.described(("true",)).listing:
            raise session.adapter.refuse(
                f"it has no option {OPTION}: its payload is no process 1 of an engine's"
            )
        with killed(session, obedient, in_place=True) as done:
            if done is None:
                return
            without, options = done.survived, (OPTION,)
    with killed(session, obedient, options=options, in_place=True) as done:
        if done is None:
            return
        session.record(CONTROL_DONE, done.beside_survived, evidence=done.evidence[-1:])
        session.record(EFFECT, done.survived, evidence=done.evidence)
        told = (
            "" if without is None else f"without {OPTION} it {'survived' if without else 'ended'}; with it: "
        )
        session.record(DETAIL, f"{told}{done.told}", evidence=done.evidence)


PROBE = Probe(
    id="batch_init",
    version=2,
    question="With an init process in the container, does the job's SIGTERM end the payload?",
    why=(
        "The kernel keeps SIGTERM from process 1 of a container unless it has a handler for it. Most physics "
        "programs have none: they do not hear that their job ends, and outlive it. An init process hands "
        "it on."
    ),
    method=(
        "A job is submitted whose payload sets no handlers, and is cancelled: once as the runtime starts "
        "it, once "
        f"with {OPTION}, the client in the place of the job's script, so that no shell dies first. What "
        f"counts is the second: the payload must be gone {END_S:.0f} s after the engine "
        "holds the job no longer. The control is a process that ignores SIGTERM beside the job, which "
        "survives."
    ),
    remedy=(
        "Put --init into the wrapper by which users start containers, and let the engine send SIGTERM some "
        "seconds before SIGKILL (Slurm does; Grid Engine with qsub -notify or a terminate_method). It does "
        "nothing "
        "against a payload that ignores SIGTERM by itself (see batch_kill_survival): only an epilog does."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload outlived its job in spite of an init process",
        not_done="the payload died with its job",
        control="a process beside the job survived",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    quick=False,  # two jobs, or one that is charged at its end: half a minute in every mode
    references=(
        Reference(
            title="pid_namespaces(7)", url="https://man7.org/linux/man-pages/man7/pid_namespaces.7.html"
        ),
        Reference(
            title="docker run --init",
            url="https://docs.docker.com/reference/cli/docker/container/run/#init",
        ),
    ),
)
