"""P38: whether the payload can write into the image's own file system."""

import stat
from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt
from evaluation.probes.reception import attend
from evaluation.probes.visits import Visit

PLACES = ("/", "/usr/bin")
"""The top, and where the programs are."""


def observe(session: Session) -> None:
    """Let the payload make a file in the image's directories, and as a control in its work directory."""
    places = (*PLACES, session.work_inside)
    seen = attend(session, "write-image", session.work_inside, f"evaluation-{secret()}", *places)
    evidence, lines = (seen.completed,), seen.answer.all("write-image")
    if len(lines) != len(places):
        session.record(PROBLEM, seen.missing, evidence=evidence)
        return
    if left := [line.text("directory") for line in lines if line.fields.get("left") is True]:
        session.record(PROBLEM, f"a file was left in {left[0]} of the image", evidence=evidence)
        return
    shown = iter(seen.all("w"))
    written = {
        line.text("directory"): visit
        for line in lines
        if line.fields.get("seen") is True and (visit := next(shown, None)) and _is_ours(visit)
    }
    session.record(CONTROL_DONE, session.work_inside in written, evidence=evidence)
    found = [place for place in PLACES if place in written]
    session.record(EFFECT, bool(found), evidence=evidence)
    if found:
        where = _where(session, written[found[-1]])
        session.record(DETAIL, f"a file was made in {' and '.join(found)}{where}", evidence=evidence)
    else:
        session.record(DETAIL, lines[1].reason, evidence=evidence)


def _is_ours(visit: Visit) -> bool:
    """Whether what was handed over is a regular file with what the payload wrote.

    Where the verifier may not look at it, that it was handed over is enough: the payload had it open.
    """
    if visit.closed:
        return True
    return visit.handed is not None and stat.S_ISREG(visit.handed.st_mode) and visit.handed.st_size > 0


def _where(session: Session, visit: Visit) -> str:
    """Whether the image itself was changed: it can only be where its own directory is."""
    if session.form is None:
        return ""
    form = Path(session.form.path or "/nonexistent")
    if form.is_dir() and visit.handed is not None and visit.handed.st_dev == form.stat().st_dev:
        return ", in the image's own directory"
    return ", in a layer of this container's own"


PROBE = Probe(
    id="image_root_writing",
    version=1,
    checklist_id="P38",
    question="Is the image's root file system read-only to the program inside?",
    why=(
        "A result is tied to an image by its digest, which is worth little when a job can replace the "
        "programs of the image under way. Where the image's directory itself can be changed, the next job "
        "runs what the last one left. Package managers and editors want just that while an image is made."
    ),
    method=(
        "The payload makes a file of a random name in / and in /usr/bin, hands it over to the verifier while "
        "it is there, and removes it. What counts is a regular file, not empty, that the host's kernel shows "
        "the verifier (where a FUSE file system keeps even root out, an open file). The control is the same "
        "program in the same launch making the same file on the writable work bind."
    ),
    remedy=(
        "docker run --read-only with a --tmpfs where one is needed, podman run --read-only; no --writable or "
        "--writable-tmpfs in Apptainer, no --write in Charliecloud."
    ),
    observe=observe,
    judge=Attempt(
        done="the image's root file system was written",
        not_done="the image's root file system was not written",
        control="the same program wrote the same file on the work bind",
    ),
    severity=Severity.LOW,
    severity_reason=(
        "It reaches no further than the container, unless its image is a directory that others use."
    ),
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="CIS Docker Benchmark 1.6.0, 5.13: the container's root filesystem is mounted read only",
            url="https://hub.powerpipe.io/mods/turbot/docker_compliance/controls/control.cis_v160_5_13",
        ),
        Reference(
            title="NIST SP 800-190, Application Container Security Guide",
            url="https://doi.org/10.6028/NIST.SP.800-190",
        ),
    ),
)
