"""How fast a job reads its input."""

from collections.abc import Mapping

from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, relative
from evaluation.probes.timing import record_lines, run_payload

BYTES = 64 * 2**20


def observe(session: Session) -> None:
    """Write a file on the host, read it inside."""
    path = session.work / "data"
    written = session.on_host((str(session.payload / PAYLOAD), "bind-write", str(path), str(BYTES)))
    made = read_answer(written).first("bind-write")
    if made is None or not made.ok:
        reason = made.reason if made else read_answer(written).problem
        session.record(PROBLEM, f"the file could not be made on the host: {reason}", evidence=(written,))
        return
    completed = run_payload(session, "bind-read", f"{session.work_inside}/data")
    lines = record_lines(
        session,
        completed,
        "bind-read",
        name="bytes_per_second",
        unit="B/s",
        worth=lambda line, elapsed_s: (line.integer("bytes") or 0) / elapsed_s,
        checks=("bytes", "checksum"),
    )
    if lines and lines[0].text("checksum") != made.text("checksum"):
        session.record(PROBLEM, "other bytes were read than were written", evidence=(written, completed))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per second per block, if the bytes are those that were written."""
    return relative(own, others, "bytes_per_second", same_work=("bytes", "checksum"))


PROBE = Probe(
    id="bind_read",
    version=1,
    question="How fast is a large file read from a bound directory, from the device?",
    why=(
        "Raw data come from a file system of the site that is bound into the container. Nothing should "
        "stand between, and a runtime that puts something there must be seen."
    ),
    method=(
        f"A file of {BYTES // 2**20} MiB of numbers that do not compress is written on the host and made "
        "durable. The payload asks the kernel to forget the file's pages (posix_fadvise) and reads it "
        "through the bind, a megabyte at a time; summing up is not in the time. The value is bytes per "
        "second. The control reads bare. A turn counts only with the checksum that was written. On a RAM "
        "disk nothing is forgotten, for all arms alike."
    ),
    remedy=("Bind the directory that the data lie in; do not copy data into the container's own layer."),
    observe=observe,
    judge=judge,
    unit="B/s",
    needs=("payload",),
    quick=False,
    beside=True,
)
