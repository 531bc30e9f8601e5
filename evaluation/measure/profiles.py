"""How much is measured: enough to see that it works, the quick look, and what precision needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluation.blocks import SHORT_OF_CPUS
from evaluation.errors import EvaluationError
from evaluation.model import ACROSS, CALIBRATION, SECURITY_CALIBRATION, SWEEP

__all__ = ["PROFILES", "Profile", "profile_named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A budget of blocks and time.

    Parameters
    ----------
    blocks : int
        At most so many counted blocks of a paired probe.
    enough : int
        Not before so many blocks is it asked whether the intervals are narrow enough.
    half_width : float
        The relative half-width of the 99 % interval of the ratio to the host that is aimed at (that of the
        reported 95 % interval is about three quarters of it). Stopping looks at widths only, never at the
        sign of an effect.
    budget_s : float
        After so many seconds no further block of a group is begun, once there are as many as a claim needs.
    limit_s : float
        After so many seconds no further block is begun even if nothing can be claimed from those there are.
        By default ``budget_s``.
    pressure : float
        A block is set aside, and taken again at the end, when right after the bare host's turn more than
        this share of the last 10 s saw some task wait for a CPU (``some avg10`` of the kernel's pressure
        stall information). A whole block or nothing, and never by what was measured: to drop single slow
        values would choose the answer.
    repeats : int
        At most so many blocks of a probe are set aside; on a machine that is always busy the rest count.
    mode_blocks : int
        In so many blocks, the first ones, modes that nobody named start too, and what only checks a sum is
        taken: enough for an interval, too few for a claim.
    """

    name: str
    blocks: int
    enough: int
    half_width: float
    budget_s: float
    limit_s: float = 0.0
    pressure: float = SHORT_OF_CPUS
    repeats: int = 0
    mode_blocks: int = 0

    @property
    def looks(self) -> tuple[int, ...]:
        """After which numbers of blocks the widths are looked at: each time twice as many as the last.

        Looking after every block costs coverage (90-95 % in simulation where 95 % were asked for), at
        distances growing by half 92-96 %; by twice, and by the width of the 99 % interval, 94-96 %.
        """
        looks = [self.enough]
        while looks[-1] * 2 < self.blocks:
            looks.append(looks[-1] * 2)
        return tuple(looks)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="trial", blocks=2, enough=2, half_width=1.0, budget_s=300.0, mode_blocks=2),
        Profile(
            name="quick",
            blocks=24,
            enough=24,
            half_width=0.05,
            budget_s=180.0,
            limit_s=600.0,
            repeats=6,
            mode_blocks=8,
        ),
        Profile(
            name="full",
            blocks=120,
            enough=30,
            half_width=0.02,
            budget_s=9000.0,
            limit_s=18000.0,
            repeats=30,
            mode_blocks=30,
        ),
        Profile(name=CALIBRATION, blocks=60, enough=60, half_width=0.05, budget_s=900.0, repeats=15),
        # Attempts are functional: block 0 is the matrix, `Measurement.repeat` adds the further ones.
        Profile(name=SECURITY_CALIBRATION, blocks=0, enough=1, half_width=1.0, budget_s=math.inf),
        # `measure.sweep` has levels in place of blocks.
        Profile(name=SWEEP, blocks=0, enough=1, half_width=1.0, budget_s=math.inf),
        Profile(name=ACROSS, blocks=0, enough=1, half_width=1.0, budget_s=math.inf),
    )
}


def profile_named(name: str) -> Profile:
    """Find a profile.

    Raises
    ------
    EvaluationError
        There is none of this name.
    """
    try:
        return PROFILES[name]
    except KeyError:
        raise EvaluationError(
            f"there is no profile {name!r}", where="profile", advice=f"There are: {', '.join(PROFILES)}."
        ) from None
