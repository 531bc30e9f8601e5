"""Numbers as people read them: the one place where a value becomes text.

Everywhere else values stay plain SI numbers. A text made here always carries its unit, separated by
a no-break space, and never more digits than anyone can use.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context
from typing import Final

from evaluation.model import Interval

__all__ = [
    "between",
    "count",
    "day",
    "decimal",
    "lasting",
    "likelihood",
    "moment",
    "percent",
    "quantity",
    "ratio",
    "ratio_between",
    "reached",
    "share",
    "shares",
    "short_digest",
    "spread",
    "within",
]

NBSP: Final = "\N{NO-BREAK SPACE}"
DASH: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
TIMES: Final = "\N{MULTIPLICATION SIGN}"
MICRO: Final = "\N{MICRO SIGN}"

_SECONDS: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, f"{MICRO}s"), (1e-9, "ns"))
_BYTES: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_THOUSANDS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))

_LASTING: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))

_LEAST: Final = 0.01

_EXACT: Final = 12

_LIKELIHOODS: Final = (
    (0.99, "virtually certain"),
    (0.95, "extremely likely"),
    (0.90, "very likely"),
    (0.66, "likely"),
    (0.33, "about as likely as not"),
    (0.10, "unlikely"),
    (0.05, "very unlikely"),
    (0.01, "extremely unlikely"),
)


def decimal(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, without an exponent where that is readable.

    Whole numbers have no decimal places; others keep their zeros, which say how exact they are.

    Examples
    --------
    >>> decimal(1234.56), decimal(0.012345), decimal(3.0)
    ('1,230', '0.0123', '3')
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -5 <= exponent < 12:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    places = digits - 1 - exponent
    rounded = round(value, places)
    text = f"{rounded:,.{max(places, 0)}f}"
    if rounded == value and value == round(value):
        text = f"{rounded:,.0f}"
    return text.replace("-", MINUS)


def _scaled(magnitude: float, unit: str) -> tuple[float, str]:
    """Find by what to divide a value of this size, and the unit's name then."""
    if magnitude == 0 or (unit == "s" and magnitude >= 1):
        return 1.0, unit
    steps = {"s": _SECONDS, "B": _BYTES, "bytes": _BYTES, "B/s": _BYTES}.get(unit)
    if steps:
        factor, name = _pick(magnitude, steps)
        return factor, f"{name}/s" if unit == "B/s" else name
    if unit.endswith("/s"):
        factor, prefix = _pick(magnitude, _THOUSANDS)
        things = unit.removesuffix("/s").removesuffix("1")
        return factor, f"{prefix}{NBSP if prefix and things else ''}{things}/s"
    return 1.0, unit


def _pick(magnitude: float, steps: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    return next(((factor, name) for factor, name in steps if magnitude >= factor), steps[-1])


def quantity(value: float, unit: str) -> str:
    """Write a value with its unit, scaled for reading (``0.134`` s becomes "134 ms").

    ``unit`` is an SI unit, ``"1"`` for a ratio, or ``""`` for a bare number.
    """
    if unit == "1":
        return ratio(value)
    factor, name = _scaled(abs(value), unit)
    return f"{decimal(value / factor)}{NBSP}{name}" if name else decimal(value)


def between(interval: Interval, unit: str) -> str:
    """Write the two ends of an interval in the unit its estimate is written in."""
    if unit == "1":
        return ratio_between(interval)
    factor, name = _scaled(abs(interval.estimate), unit)
    ends = f"{decimal(interval.low / factor)}{DASH}{decimal(interval.high / factor)}"
    return f"{ends}{NBSP}{name}" if name else ends


def within(low: float, high: float) -> str:
    """Write a range in which something is said to hold, from 0 up to infinity.

    Its ends are rounded inward to three digits, or to as many as it takes for something to lie between them:
    what is said to hold then holds at every number that a reader sees.

    Examples
    --------
    >>> within(3.101, math.inf), within(0.0, math.inf), within(math.nan, math.nan)
    ('3.11 or more', 'any', 'none')
    """
    if math.isnan(low):
        return "none"
    if math.isinf(high):
        return "any" if low <= 0 else f"{decimal(_rounded(low, 3, ROUND_CEILING))} or more"
    for digits in range(3, _EXACT + 1):
        ends = _rounded(low, digits, ROUND_CEILING), _rounded(high, digits, ROUND_FLOOR)
        if ends[0] <= ends[1]:
            return DASH.join(decimal(end, digits) for end in ends)
    return decimal(low, _EXACT)


def reached(start: float, end: float) -> str:
    """Write to where something must go from a start: rounded away from it, so that it is enough."""
    return decimal(_rounded(end, 3, ROUND_CEILING if end > start else ROUND_FLOOR))


def _rounded(value: float, digits: int, direction: str) -> float:
    """Round in one direction; beyond twelve digits there is only the arithmetic's own rounding."""
    exact = Context(prec=_EXACT, rounding=ROUND_HALF_EVEN).create_decimal_from_float(value)
    return float(Context(prec=digits, rounding=direction).plus(exact))


def spread(low: float, high: float, unit: str) -> str:
    """Write two ends, each as `lasting` or `quantity` would; one text where they read alike.

    For the unit ``"%"`` the ends are shares of 1. Of these, and of money, less than a hundredth is only said
    to be less.
    """
    if unit == "s":
        ends = [lasting(end) for end in (low, high)]
    elif unit in {"%", "EUR"}:
        ends = [_coarse(end * (100 if unit == "%" else 1), unit) for end in (low, high)]
    else:
        ends = [quantity(end, unit) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _coarse(value: float, unit: str) -> str:
    return f"{f'<{_LEAST}' if 0 < value < _LEAST else decimal(value, 2)}{NBSP}{unit}"


def lasting(seconds: float) -> str:
    """Write how long something takes: ``1800`` becomes "30 min", ``28800`` "8 h"."""
    for factor, name in _LASTING:
        if seconds >= factor:
            return f"{decimal(seconds / factor, 2)}{NBSP}{name}"
    return quantity(float(f"{seconds:.2g}"), "s")


def ratio(value: float) -> str:
    """Write a ratio to the bare host (``3.14159`` becomes "3.14x", with the real sign)."""
    return f"{_ratio_digits(value)}{TIMES}"


def _ratio_digits(value: float) -> str:
    if not 0.1 <= abs(value) < 100:
        return decimal(value)
    return f"{value:.{1 if abs(value) >= 10 else 2}f}".replace("-", MINUS)


def ratio_between(interval: Interval) -> str:
    """Write the two ends of a ratio's interval ("2.8-3.4x", likewise)."""
    return f"{_ratio_digits(interval.low)}{DASH}{_ratio_digits(interval.high)}{TIMES}"


def share(value: float) -> str:
    """Write a score between 0 and 1 with two decimals."""
    return f"{value:.2f}".replace("-", MINUS)


def shares(low: float, high: float) -> str:
    """Write between which two a score lies: rounded inward, with more decimals where two are too few.

    Examples
    --------
    >>> shares(0.561, 0.979), shares(0.5, 0.5), shares(0.1201, 0.1209)
    ('0.57 to 0.97', '0.50', '0.1201 to 0.1209')
    """
    for places in range(2, 7):
        step = 10**places
        ends = math.ceil(round(low * step, 6)) / step, math.floor(round(high * step, 6)) / step
        if ends[0] < ends[1]:
            return " to ".join(f"{end:.{places}f}" for end in ends)
        if high - low < 1e-9:
            break
    return share((low + high) / 2)


def percent(value: float) -> str:
    """Write a probability or a proportion as percent; never as certain when it is not."""
    if 0 < value < 0.01:
        return f"<{NBSP}1{NBSP}%"
    if 0.99 < value < 1:
        return f">{NBSP}99{NBSP}%"
    return f"{value * 100:.0f}{NBSP}%"


def likelihood(probability: float) -> str:
    """Say a probability in words, in the calibrated language of the IPCC.

    Source: Mastrandrea et al. 2010, Guidance Note for Lead Authors of the IPCC Fifth Assessment
    Report on Consistent Treatment of Uncertainties, table 1.
    """
    return next((word for bar, word in _LIKELIHOODS if probability >= bar), "exceptionally unlikely")


def count(number: int, thing: str, things: str = "") -> str:
    """Count things in words: "1 sample", "30 samples"."""
    word = thing if number == 1 else things or f"{thing}s"
    return f"{number:,}{NBSP}{word}"


def _parsed(timestamp: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def moment(timestamp: str) -> str:
    """Write an ISO 8601 time to the second in UTC; a text that is none is passed on as it is."""
    parsed = _parsed(timestamp)
    return f"{parsed.day} {parsed:%B %Y, %H:%M:%S} UTC" if parsed else timestamp


def day(timestamp: str) -> str:
    """Write the day of an ISO 8601 time; a text that is none is passed on as it is."""
    parsed = _parsed(timestamp)
    return f"{parsed.day} {parsed:%B %Y}" if parsed else timestamp


def short_digest(digest: str) -> str:
    """Shorten a SHA-256 digest to its first 12 hexadecimal digits."""
    return digest.removeprefix("sha256:")[:12]
