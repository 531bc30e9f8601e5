"""Sending SIGTERM to a runtime's client, and seeing whether the program inside heard it."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping

from evaluation.model import CONTROL, CONTROL_AGAIN, Outcome
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.base import Judgement, Observations, Session
from evaluation.probes.canaries import wait_for
from evaluation.probes.judging import PROBLEM, problem

__all__ = ["END_S", "EXIT_STATUS", "judge", "signal_once"]

PREFIX = "waiting"
EXIT_STATUS = 42
"""What the payload exits with after a signal; no runtime uses it for a failure of its own."""

READY_S = 30.0
END_S = 10.0
MARK_S = 1.0
"""How long after the client's end the mark may appear: not every client waits for its payload."""
LIFETIME_S = 60


def signal_once(session: Session, *, after_s: float) -> None:
    """Start a program that waits for SIGTERM, and send it to the client so long after it is ready.

    The payload says that it is ready when its handler stands: what is lost after that is not lost by it.
    """
    inside = f"{session.work_inside}/{PREFIX}"
    running = session.start((f"{session.payload_inside}/{PAYLOAD}", "await-signal", inside, str(LIFETIME_S)))
    ready = wait_for(session.work / f"{PREFIX}.ready", READY_S)
    if ready:
        time.sleep(after_s)
        running.signal(signal.SIGTERM)
    completed = running.wait(END_S)
    if not ready:
        status = completed.evidence.exit_status
        message = f"the payload was not ready within {READY_S:.0f} s (exit status {status})"
        session.record(PROBLEM, message, evidence=(completed,))
        return
    received = wait_for(session.work / f"{PREFIX}.received", MARK_S)
    session.record("received", received, evidence=(completed,))
    session.record("exit_status", completed.evidence.exit_status, evidence=(completed,))
    session.record("ended_by_us", completed.evidence.timed_out, evidence=(completed,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where the signal arrived and the exit status came back, each time."""
    fault = problem(own)
    received, statuses = own.values("received"), own.values("exit_status")
    if fault or not received:
        return Judgement(outcome=Outcome.ERROR, message=fault or "no signal was sent")
    arrived = (
        "SIGTERM to the client reached the program" if all(received) else "SIGTERM did not reach the program"
    )
    ending = f"exit status {own.last('exit_status')}"
    if True in own.values("ended_by_us"):
        ending = f"it was still running {END_S:.0f} s later"
    message = f"{arrived}; {ending} (expected {EXIT_STATUS})"
    if all(received) and set(statuses) == {EXIT_STATUS}:
        return Judgement(outcome=Outcome.HOLDS, message=message)
    host = others.get(CONTROL, Observations())
    is_host = own.items[0].runtime in {CONTROL, CONTROL_AGAIN}
    if not is_host and host.items and not all(host.values("received")):
        return Judgement(outcome=Outcome.INERT, message=f"{message}; it did not reach a bare process either")
    return Judgement(outcome=Outcome.FAILS, message=message)
