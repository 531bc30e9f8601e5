"""P16: whether a disk of the host is in sight of the payload, and can be read."""

from evaluation.model import Reference, Severity
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import Line, read_answer
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT
from evaluation.probes.devices import NO_LOOP, Disk, canary_disk, first_word, is_disk
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, NOT_PLANTED, PROBLEM, Attempt


def observe(session: Session) -> None:
    """Make a disk with a word on it, and let the payload read a sector of every disk that it sees."""
    with canary_disk() as disk:
        if disk is not None:
            session.record(CONTROL_DONE, disk.is_readable())
        else:
            session.record(NOT_PLANTED, NO_LOOP if session.privileged else NEEDS_ROOT)
        numbers = disk.numbers if disk else ()
        completed = session.launch((f"{session.payload_inside}/{PAYLOAD}", "read-disks", "/dev", *numbers))
    answer, evidence = read_answer(completed), (completed,)
    summary = answer.first("read-disks")
    if summary is None or not summary.ok:
        reason = f"the payload could not look into /dev: {summary.reason}" if summary else ""
        problem = answer.problem or reason or "the payload reported too little"
        session.record(PROBLEM, problem, evidence=evidence)
        return
    disks = [line for line in answer.all("read-disk") if _is_of_host(line, disk)]
    read = [line.text("path") or "" for line in disks if _was_read(line, disk)]
    session.record("visible", len(disks), evidence=evidence)
    session.record(EFFECT, bool(read), evidence=evidence)
    if read:
        detail = f"a sector of {', '.join(read[:4])}{' and others' if len(read) > 4 else ''}"
    else:
        detail = f"{len(disks)} in sight: {disks[0].reason}" if disks else "none is in sight"
    session.record(DETAIL, detail, evidence=evidence)


def _numbers(line: Line) -> tuple[int, int]:
    major, minor = line.integer("major"), line.integer("minor")
    return (-1 if major is None else major), (-1 if minor is None else minor)


def _is_of_host(line: Line, disk: Disk | None) -> bool:
    numbers = _numbers(line)
    return is_disk(*numbers) or (disk is not None and numbers == (disk.major, disk.minor))


def _was_read(line: Line, disk: Disk | None) -> bool:
    """Whether bytes came: of a real disk any, of ours the word."""
    if disk is not None and _numbers(line) == (disk.major, disk.minor):
        return first_word(line.text("text")) == disk.word
    return (line.integer("bytes") or 0) > 0


PROBE = Probe(
    id="raw_disk_exposure",
    version=1,
    checklist_id="P16",
    question="Are the host's disks out of the program's sight or closed to it?",
    why=(
        "Below the file system there are no owners and no modes: who reads a disk reads every file of every "
        "user on it. A runtime that shows the host's /dev relies on the modes of the nodes there; one that "
        "runs as root and shows them has nothing left to rely on."
    ),
    method=(
        "The payload opens every block device below /dev for reading, reads one sector, and tells how many "
        "bytes came; nothing is written or kept. The kernel's list of block devices says to the verifier "
        "which of them are disks of the host. Among them is one of the verifier's own, where it runs as "
        "root: a loop device over memory, of which only a random word counts. The control is the verifier's "
        "own reading of that one."
    ),
    remedy=(
        "Do not run privileged or hand disks in by --device; a /dev of the container's own (apptainer exec "
        "--contain, the default of Docker and Podman) keeps them out of sight."
    ),
    observe=observe,
    judge=Attempt(
        done="a disk of the host was read",
        not_done="no disk of the host was read",
        control="root itself could read the canary disk",
    ),
    severity=Severity.HIGH,
    severity_reason="A disk holds every user's data, and what makes root on the host.",
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="CIS Docker Benchmark 1.13.0, 5.4: privileged containers are not used",
            url=(
                "https://tenable.com/audits/items/CIS_Docker_1.13.0_L1_v1.0.0.audit:99b7ed0b8738f4aa8f7bd2d9081d11e6"
            ),
        ),
        Reference(
            title="OCI runtime specification, issue 1313: raw block devices need no capability",
            url="https://github.com/opencontainers/runtime-spec/issues/1313",
        ),
        Reference(
            title="MITRE ATT&CK T1611, Escape to Host", url="https://attack.mitre.org/techniques/T1611/"
        ),
    ),
)
