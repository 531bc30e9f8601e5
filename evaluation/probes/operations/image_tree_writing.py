"""Whether something can be added to the image's own tree inside, and whether it is there the next time."""

from collections.abc import Mapping

from evaluation.model import Reference
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import secret
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional

PLACE = "/usr"
"""A directory of every image, and no runtime mounts anything over it."""


def observe(session: Session) -> None:
    """Write a file to the tree, then look for it in another container."""
    word = secret()
    path = f"{PLACE}/evaluation-{word}"
    program = f"{session.payload_inside}/{PAYLOAD}"
    if session.is_control:
        ended = session.launch((program, "identity"))
        problem = read_answer(ended).problem
        reason = "the bare host runs no image whose tree could be written to"
        session.record(PROBLEM if problem else UNAVAILABLE, problem or reason, evidence=(ended,))
        return
    first = session.launch((program, "write", path, word, "--", "read", path), writable=True)
    answer = read_answer(first)
    line, read = answer.first("write"), answer.first("read")
    if line is None or read is None:
        session.record(PROBLEM, answer.problem or "the payload did not try", evidence=(first,))
        return
    session.record("writes", line.ok and read.text("text") == word, evidence=(first,))
    if not line.ok:
        session.record(DETAIL, line.reason, evidence=(first,))
        return
    second = session.launch((program, "read", path), writable=True)
    again = read_answer(second).first("read")
    if again is None:
        session.record(PROBLEM, read_answer(second).problem or "nobody looked again", evidence=(second,))
        return
    survives = again.text("text") == word
    session.record("survives", survives, evidence=(first, second))
    told = "still there in" if survives else "gone in"
    session.record(DETAIL, f"it is {told} the next container", evidence=(first, second))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the file could be written and read; that it is gone afterwards is told, not judged."""
    return functional(
        own,
        others,
        "writes",
        works="a file can be added to the image's tree",
        fails="nothing can be added to the image's tree",
    )


PROBE = Probe(
    id="image_tree_writing",
    version=1,
    question="Can a file be added to the image's own tree inside, without changing the image?",
    why=(
        "Developers install one more package to try something, and old programs write beside themselves. "
        "Where the tree is read-only they need a bind for each such place, or a new image."
    ),
    method=(
        f"The payload writes a file with a random word below {PLACE} and reads it, in a container that was "
        "asked for a writable tree where the runtime has an option for that (apptainer exec "
        "--writable-tmpfs). A second container tells whether the file is still there, which is recorded "
        "beside it. There is no control: the bare host runs no image. A runtime that could only change the "
        "image itself is not asked."
    ),
    remedy=(
        "Apptainer: --writable-tmpfs (with --fakeroot for what is root's) for the moment, --overlay FILE to "
        "keep it; Docker and Podman: leave --rm away and start the same container again; Charliecloud: a "
        "copy of the directory and --write."
    ),
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    references=(
        Reference(
            title="Linux kernel documentation: overlay filesystem",
            url="https://docs.kernel.org/filesystems/overlayfs.html",
        ),
    ),
)
