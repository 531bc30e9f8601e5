"""B04: whether a job's ulimits, processors and niceness are still there in the container."""

from collections.abc import Mapping

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Answer, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt

SETTINGS = 'ulimit -n 512 && ulimit -t 3600 && ulimit -c 0 && exec nice -n 3 taskset -c "$0" "$@"'
"""What a batch system sets before the job's script, all of it tighter than a login's."""

FIELDS = {
    "open_files": "open files",
    "cpu_seconds": "CPU seconds",
    "core_bytes": "core size",
    "processors": "processors",
    "niceness": "niceness",
}


def observe(session: Session) -> None:
    """Set limits before the client, and let the payload tell its own."""
    program = str(session.payload / PAYLOAD)
    free = session.on_host((program, "limits"))
    without = _told(read_answer(free))
    processor = without.get("processors", "0").split()[-1]
    before = ("/bin/sh", "-c", SETTINGS, processor)
    bare = session.on_host((*before, program, "limits"))
    wanted = _told(read_answer(bare))
    asked = [name for name in wanted if wanted[name] != without.get(name)]
    launched = session.launch((f"{session.payload_inside}/{PAYLOAD}", "limits"), before=before)
    answer = read_answer(launched)
    seen = _told(answer)
    evidence = (free, bare, launched)
    if answer.problem or not seen:
        session.record(PROBLEM, answer.problem or "the payload told no limits", evidence=evidence)
        return
    if not asked:
        session.record(NOT_PLANTED, "no limit could be set here before a client: run it as a plain job")
        return
    lost = [name for name in asked if seen.get(name) != wanted[name]]
    session.record(CONTROL_DONE, value=True, evidence=(free, bare))
    session.record(EFFECT, bool(lost), evidence=evidence)
    for name in asked:
        session.record(name, seen.get(name), evidence=evidence)
    told = ", ".join(f"{FIELDS[name]} {seen.get(name)} (set: {wanted[name]})" for name in lost)
    kept = ", ".join(FIELDS[name] for name in asked if name not in lost)
    session.record(DETAIL, f"lost: {told}; kept: {kept or 'nothing'}" if lost else f"kept: {kept}")


def _told(answer: Answer) -> Mapping[str, str]:
    line = answer.first("limits")
    return {name: str(line.fields[name]) for name in FIELDS if name in line.fields} if line else {}


PROBE = Probe(
    id="job_limit_inheritance",
    version=1,
    checklist_id="B04",
    question="Do the job's ulimits, its processors and its niceness still bind inside the container?",
    why=(
        "Batch systems hold jobs to their processors and their CPU time by what a process inherits. A "
        "payload that a daemon starts inherits from the daemon: it runs on all cores of the node, its "
        "neighbours' too, without an end."
    ),
    method=(
        "Before the client the verifier sets limits of open files, CPU seconds and core size, one "
        "processor and a niceness of 3, as a batch system does. The payload reads its own inside. They must "
        "be those that the bare process has with the same settings, all of them. The control is that bare "
        "process without the settings, which shows others."
    ),
    remedy=(
        "Start containers by a runtime without a daemon; else hand the limits over one by one (--ulimit, "
        "--cpuset-cpus), which niceness has no option for; podman has --ulimit host."
    ),
    observe=observe,
    judge=Attempt(
        done="what the job was limited to did not reach the container",
        not_done="the job's limits reached the container",
        control="a process without these settings shows others",
    ),
    severity=Severity.MEDIUM,
    severity_reason="The payload runs on cores and for times that were given to other users' jobs.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="getrlimit(2)", url="https://man7.org/linux/man-pages/man2/getrlimit.2.html"),
        Reference(
            title="sched_setaffinity(2)",
            url="https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html",
        ),
    ),
)
