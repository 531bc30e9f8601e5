"""A real turn of a probe on a runtime that is ready, for the attempts that bring their own image."""

from __future__ import annotations

from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.probes.base import Judgement, Observations
from evaluation.probes.registry import find
from evaluation.runtimes.base import RuntimeRefusalError


def judged(name: str, arm: Arm, bench: Bench) -> Judgement | str:
    """Judge one turn by itself; give the words of a runtime that cannot do it, by design."""
    probe = find(name)
    with work_directory(bench) as work:
        session = TurnSession(bench=bench, arm=arm, probe=probe, block=0, order=0, work=work)
        try:
            probe.observe(session)
        except RuntimeRefusalError as refusal:
            return str(refusal)
        finally:
            left = bench.launcher.sweep()
    assert not left
    return probe.judge(Observations(tuple(session.observations)), {})
