"""How fast a job writes its output."""

from collections.abc import Mapping

from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import relative
from evaluation.probes.timing import record_lines, run_payload

BYTES = 64 * 2**20


def observe(session: Session) -> None:
    """Write a file on the bind."""
    completed = run_payload(session, "bind-write", f"{session.work_inside}/written", str(BYTES))
    record_lines(
        session,
        completed,
        "bind-write",
        name="bytes_per_second",
        unit="B/s",
        worth=lambda line, elapsed_s: (line.integer("bytes") or 0) / elapsed_s,
        checks=("bytes", "checksum"),
    )


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Give the bytes per second per block, if the same bytes were written."""
    return relative(own, others, "bytes_per_second", same_work=("bytes", "checksum"))


PROBE = Probe(
    id="bind_write",
    version=1,
    question="How fast is a large file written to a bound directory, until the device has it?",
    why=(
        "Reconstructed events are written to a file system of the site that is bound into the container. "
        "Nothing should stand between, and a runtime that puts something there (a copy-up layer, a proxy) "
        "must be seen."
    ),
    method=(
        f"A static program writes a new file of {BYTES // 2**20} MiB of numbers that do not compress on "
        "the writable bind, a megabyte at a time, and calls fsync. The value is bytes per second over the "
        "writes and the fsync; the control does the same bare in the same directory. A turn counts only "
        "without an error and with the control's checksum."
    ),
    remedy=("Bind a directory of the host for output; never write large files to the container's own layer."),
    observe=observe,
    judge=judge,
    unit="B/s",
    needs=("payload",),
    quick=False,
    beside=True,
)
