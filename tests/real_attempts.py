"""One turn of an attempt on real runtimes, as they are or with one flag changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.probes.base import Judgement, Observations, Probe

ArmOf = Callable[[str], Arm]
Flags = tuple[str, ...]


def turn(bench: Bench, arm: Arm, probe: Probe) -> Observations:
    """Take one turn and give what was recorded; whatever it left running is ended."""
    with work_directory(bench) as work:
        session = TurnSession(bench=bench, arm=arm, probe=probe, block=0, order=0, work=work)
        try:
            probe.observe(session)
        finally:
            left = bench.launcher.sweep()
        assert not left
    assert not work.exists()
    return Observations(tuple(session.observations))


def verdicts(
    bench: Bench, arm_of: ArmOf, probe: Probe, arms: Sequence[str], **flags: Flags
) -> dict[str, Judgement]:
    """Judge the bare host and these arms; ``flags`` are put to the arm of that name (dashes as ``_``)."""
    seen = {}
    for id_ in ("host", *arms):
        arm = arm_of(id_)
        more = flags.get(id_.replace("-", "_"), ())
        seen[id_] = turn(bench, replace(arm, runtime=arm.runtime.using(options=more)), probe)
    return {
        id_: probe.judge(own, {other: taken for other, taken in seen.items() if other != id_})
        for id_, own in seen.items()
    }
