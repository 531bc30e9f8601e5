"""The words for time lost: signed, with its interval, and never more digits than it bears."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluation import units
from evaluation.model import Interval, Loss

__all__ = ["at_length", "checked", "lost", "share_lost", "shown", "signed", "together"]

_MINUTE: Final = 60.0
_NOT_DONE: Final = "no unit was done as a whole in this run: the sum stands alone"


def signed(seconds: float) -> str:
    """Write seconds with their sign: time lost is positive, time won is negative."""
    if not seconds:
        return f"0{units.NBSP}s"
    size = abs(seconds)
    said = f"{units.decimal(size, 2)}{units.NBSP}s" if 1 <= size < _MINUTE else units.lasting(size)
    return f"{'+' if seconds > 0 else units.MINUS}{said}"


def lost(loss: Loss) -> str:
    """Write what a unit loses in seconds, with its interval; or its bounds, where a part is not known."""
    ends = f"{signed(loss.low)} to {signed(loss.high)}"
    return ends if loss.seconds is None else f"{signed(loss.seconds)} ({ends})"


def share_lost(loss: Loss) -> str:
    """Write the same as a share of the unit."""
    ends = _percents(loss.low / loss.unit_s, loss.high / loss.unit_s)
    return ends if loss.share is None else f"{_percent(loss.share)} ({ends})"


def at_length(interval: Interval) -> str:
    """Write the share that is lost of a unit of some length."""
    return _percents(interval.low, interval.high)


def together(loss: Loss, units_: int) -> str:
    """Write what so many units lose together, in machine time."""
    ends = f"{signed(loss.low * units_)} to {signed(loss.high * units_)}"
    return ends if loss.seconds is None else f"{signed(loss.seconds * units_)} ({ends})"


def shown(losses: Sequence[Loss], unit: str) -> str:
    """Say in one sentence which runtimes are shown to lose time, and which to win any.

    Shown is what the whole interval says; ``unit`` names the unit with its length.
    """
    said = []
    for word, found in (
        ("lose", [loss for loss in losses if loss.low > 0]),
        ("win", [loss for loss in losses if loss.high < 0]),
    ):
        if found:
            each = ", ".join(f"{loss.runtime} ({signed(loss.known_s)} each)" for loss in found)
            said.append(f"Shown to {word} time in a {unit}: {each}.")
    open_ = [loss.runtime for loss in losses if loss.low <= 0 <= loss.high]
    if open_ and said:
        said.append(f"Of the others nothing is shown either way: {', '.join(open_)}.")
    elif open_:
        said.append(f"Of no runtime is it shown that a {unit} loses or wins any time.")
    return " ".join(said)


def checked(loss: Loss) -> str:
    """Say how the sum of the parts compares with the unit that was done as a whole."""
    check = loss.check
    if check is None:
        return _NOT_DONE
    figures = f"{_interval(check.predicted)} summed up, {_interval(check.measured)} measured"
    return f"{figures}: {'they agree' if check.agrees else 'they disagree, and what was measured counts'}"


def _interval(found: Interval) -> str:
    return f"{signed(found.estimate)} ({signed(found.low)} to {signed(found.high)})"


def _percent(share: float) -> str:
    return f"{share * 100:+.2f}{units.NBSP}%".replace("-", units.MINUS)


def _percents(low: float, high: float) -> str:
    return f"{_percent(low)} to {_percent(high)}"
