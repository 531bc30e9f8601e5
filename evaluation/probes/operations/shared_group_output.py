"""Whether a job can write to a directory that it may enter only through a supplementary group."""

import os
from collections.abc import Mapping

from evaluation.model import Bind, Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import root_directory
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional

MOUNT_POINT = "/mnt"
NAME = "result"


def observe(session: Session) -> None:
    """Make a project directory of a group, bind it, and look at what the payload wrote to it."""
    told = session.on_host((str(session.payload / PAYLOAD), "identity"))
    line = read_answer(told).first("identity")
    groups = [int(word) for word in ((line and line.text("groups")) or "").split()]
    supplementary = [group for group in groups if group != session.gid]
    if line is None:
        session.record(
            PROBLEM, read_answer(told).problem or "the user's groups are not known", evidence=(told,)
        )
        return
    started = session.launch((f"{session.payload_inside}/{PAYLOAD}", "identity"))
    if problem := read_answer(started).problem:
        session.record(PROBLEM, problem, evidence=(started,))
        return
    if not session.privileged or not supplementary:
        why = (
            "the measuring user has no supplementary group" if session.privileged else "only root can make it"
        )
        session.record(UNAVAILABLE, f"no project directory can be made for a group here: {why}")
        return
    group = supplementary[-1]
    with root_directory() as directory:
        if directory is None:
            session.record(UNAVAILABLE, "this host has no temporary directory")
            return
        os.chown(directory, 0, group)
        directory.chmod(0o2770)  # the set-group-id bit: what is made in it is the group's
        inside = str(directory) if session.is_control else MOUNT_POINT
        binds = () if session.is_control else (Bind(source=str(directory), target=MOUNT_POINT),)
        argv = (f"{session.payload_inside}/{PAYLOAD}", "write", f"{inside}/{NAME}", "written")
        wrote = session.launch(argv, binds=binds)
        answer = read_answer(wrote)
        line = answer.first("write")
        if line is None:
            session.record(PROBLEM, answer.problem or "the payload did not try", evidence=(wrote,))
            return
        written = directory / NAME
        status = written.lstat() if written.exists() else None
    shared = status is not None and status.st_gid == group
    session.record("shared", shared, evidence=(wrote,))
    seen = f"the file belongs to {status.st_uid}:{status.st_gid}" if status else line.reason
    session.record(DETAIL, f"{seen}; the directory is group {group}'s", evidence=(wrote,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the file is there and the group's."""
    return functional(
        own,
        others,
        "shared",
        works="a project's shared directory can be written to, and the file is the group's",
        fails="a project's shared directory cannot be used",
        host="the bare process cannot either",
    )


PROBE = Probe(
    id="shared_group_output",
    version=1,
    question="Can a job write to a project directory that its user reaches only through a second group?",
    why=(
        "Collaborations share data by directories of a group with the set-group-id bit. A container that "
        "starts with the user's first group alone, or without any, cannot write there, and what root writes "
        "there nobody else can change."
    ),
    method=(
        "As root, the verifier makes a directory of root and of one of the user's supplementary groups "
        "(mode 2770) and binds it. The payload makes a file in it, and the host looks: it must be there and "
        "be the group's. The control is the same done by the bare process."
    ),
    remedy=(
        "docker run --group-add GID, podman run --group-add keep-groups (with crun); runtimes that run as "
        "the user keep the groups."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(title="credentials(7)", url="https://man7.org/linux/man-pages/man7/credentials.7.html"),
        Reference(title="user_namespaces(7)", url="https://man.archlinux.org/man/user_namespaces.7.en.raw"),
    ),
)
