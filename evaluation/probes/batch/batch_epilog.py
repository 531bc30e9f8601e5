"""A mitigation, tried: whether an epilog that removes containers by label ends what a killed job left."""

from evaluation.model import Reference
from evaluation.probes.asking import NoAnswerError, answered
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.hostprocesses import still_there
from evaluation.probes.jobkills import END_S, killed, stubborn
from evaluation.probes.jobs import NO_ENGINE
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

LABEL = "evaluation.job"


def observe(session: Session) -> None:
    """Kill a job whose container carries a label, then do what an epilog would."""
    if session.batch is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        return
    if not session.is_control and not session.described(("true",)).listing:
        raise session.adapter.refuse(
            "it has no engine that keeps containers, so there is nothing to remove by label"
        )
    mark = secret()
    options = () if session.is_control else ("--label", f"{LABEL}={mark}")
    with killed(session, stubborn, options=options) as done:
        if done is None:
            return
        survived, evidence = done.survived, list(done.evidence)
        if survived:
            client = (
                done.job.launch.listing[: done.job.launch.listing.index("ps")]
                if done.job.launch.listing
                else ()
            )
            query = (*client, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={mark}")
            try:
                listed = answered(session, query)
            except NoAnswerError as error:
                session.record(PROBLEM, error.what, evidence=evidence)
                return
            evidence.append(listed)
            evidence.extend(
                session.on_host((*client, "rm", "--force", container))
                for container in listed.stdout.decode(errors="replace").split()
            )
            survived = bool(still_there((done.payload,), END_S))
        session.record(CONTROL_DONE, done.beside_survived)
        session.record(EFFECT, survived, evidence=evidence)
        before = "survived the kill" if done.survived else "had died with its job already"
        after = (
            "" if not done.survived else f", and {'survived' if survived else 'was ended by'} the epilog too"
        )
        session.record(DETAIL, f"the payload {before}{after}".replace("by the epilog too", "by the epilog"))


PROBE = Probe(
    id="batch_epilog",
    version=2,
    question="Does an epilog that removes a job's containers by label end what outlived the kill?",
    why=(
        "It is the known remedy for engines with a daemon: the batch system's epilog runs on the node after "
        "each job, and asks the engine for what the job started. It works only if nothing escapes the label."
    ),
    method=(
        "A job is submitted whose container carries a label with a random word, and is cancelled as in "
        "batch_kill_survival. If the payload survives, what an epilog would do is done: all containers "
        "with the "
        f"label are removed by force, and the payload must be gone within {END_S:.0f} s. The control is a "
        "process beside the job, which must survive all of that."
    ),
    remedy=(
        "Give every container the label by a wrapper that users cannot go round (SLURM_JOB_ID, JOB_ID), "
        "for the "
        "epilog cannot know of one that has none; or use a runtime without a daemon."
    ),
    observe=observe,
    judge=Attempt(
        done="the payload outlived the epilog",
        not_done="after the epilog the payload was gone",
        control="the same process beside the job survived",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    references=(
        Reference(
            title="docker ps, filtering",
            url="https://docs.docker.com/reference/cli/docker/container/ls/#filter",
        ),
        Reference(title="Slurm: prolog and epilog guide", url="https://slurm.schedmd.com/prolog_epilog.html"),
    ),
)
