"""A mitigation, tried: whether a container put below its job's control group is limited and charged there."""

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Probe, Session
from evaluation.probes.batchsystem import Limits
from evaluation.probes.canaries import plant_file
from evaluation.probes.holding import forget, hold
from evaluation.probes.jobs import GROUP, NO_ENGINE, idle_account, job
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, Attempt

BURNT_MS = 3000
MORE_BYTES = 256 * 2**20
CHARGED = 0.25
"""Of what was computed: engines that look once a second may miss the last one before a kill."""
INSIDE = "inside"


def observe(session: Session) -> None:
    """Compute, then take too much memory, in a container below the job's own control group."""
    if session.batch is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        return
    if not session.is_control and not session.described(("true",)).listing:
        raise session.adapter.refuse(
            "its payload runs in the job's own control group anyway: no option is needed"
        )
    options = () if session.is_control else ("--cgroup-parent", GROUP)
    limit = session.batch.smallest_memory_bytes
    program = f"{session.payload_inside}/{PAYLOAD}"
    burn = (program, "burn", str(BURNT_MS), "--")
    wanted = hold(session.work_inside, INSIDE, limit + MORE_BYTES)
    idle = idle_account(session, options=options)
    if idle is None:
        return
    try:
        with job(session, (*burn, *wanted), limits=Limits(memory_bytes=limit), options=options) as submitted:
            if submitted is None:
                return
            if not submitted.has_group:
                title = submitted.system.title
                session.record(
                    NOT_PLANTED, f"{title} gives jobs no control group here that a container could join"
                )
                return
            held = submitted.ready(f"{INSIDE}.ready")
            plant_file(session.work, f"{INSIDE}.go", "", mode=0o644)
            submitted.over()
            said, account = submitted.said, submitted.account()
            # the payload may have been ended for want of memory: what it printed before that counts
            burnt = any(
                line.startswith('{"what": "burn"')
                for line in said.stdout.decode(errors="replace").splitlines()
            )
            if submitted.refused:
                raise session.adapter.refuse(
                    f"with --cgroup-parent it does not start here: {submitted.refused}"
                )
            if not burnt:
                submitted.complain("the payload computed nothing")
                return
            if account is None:
                submitted.complain_of_books()
                return
            evidence = (said, *submitted.evidence)
            charged_s = max(0.0, account.cpu_s - idle.cpu_s)
            charged = charged_s >= CHARGED * BURNT_MS / 1e3
            session.record(CONTROL_DONE, value=True, evidence=evidence)
            session.record(EFFECT, held or not charged, evidence=evidence)
            cpu = f"{charged_s:.1f} s of {BURNT_MS / 1e3:.1f} s of CPU time in the books"
            memory = f"the memory limit {'did not hold' if held else 'held'}"
            left = submitted.groups_left()
            after = f"; left behind: {left}, which an epilog must remove" if left else ""
            session.record(DETAIL, f"{cpu}, {memory}{after}", evidence=evidence)
    finally:
        forget(session, INSIDE)


PROBE = Probe(
    id="batch_job_cgroup",
    version=2,
    question="Put below its job's control group, is a container limited and charged there?",
    why=(
        "It is the known remedy for engines with a daemon: the daemon starts the container below the control "
        "group that the batch system made for the job. Whether the engine does so, or takes the option in "
        "silence, decides what a site can promise."
    ),
    method=(
        "A job is submitted whose container is started with --cgroup-parent and the job's own control "
        "group. The "
        f"payload computes for {BURNT_MS / 1e3:.0f} s and then takes 256 MiB more than the job has. At "
        "least a quarter of the CPU time must be in the books, less what they charge for a container that "
        "computes nothing, and the memory must not be had. The control is the bare process, "
        "of which both are true; batch_cpu_accounting and batch_memory_limit say how it is without the "
        "option."
    ),
    remedy=(
        "Where it holds, put the option into a wrapper that users cannot go round, and let the epilog "
        "remove the control groups that the engine makes. It works with the cgroupfs driver only: that "
        "of systemd takes nothing but a slice. Else use a runtime that makes no control group of its "
        "own, such as Podman with --cgroups=disabled (crun only)."
    ),
    observe=observe,
    judge=Attempt(
        done="below the job's control group the container still escaped",
        not_done="below the job's control group the container was limited and charged",
        control="the books of this very job show it",
        inert="the bare process was not limited and charged either: nothing is shown about a runtime",
        words=False,
    ),
    needs=("payload", "batch"),
    repeat="once",
    quick=False,  # half a minute in every mode with an engine
    references=(
        Reference(
            title="docker run --cgroup-parent",
            url="https://docs.docker.com/reference/cli/docker/container/run/#cgroup-parent",
        ),
        Reference(title="cgroup.conf", url="https://slurm.schedmd.com/cgroup.conf.html"),
    ),
)
