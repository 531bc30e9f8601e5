"""What was measured, as pictures and tables: for the report, and for whoever runs the notebook."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.findings import findings_of
from evaluation.model import CONTROL, CONTROL_AGAIN, Comparison, Finding, Interval, Outcome
from evaluation.report.figures import RatioRow, ValueRow, ratio_plot, value_plot
from evaluation.report.markup import TEMPLATES, anchor
from evaluation.report.words import state
from evaluation.statistics import blocks_to_claim
from evaluation.store import Run
from evaluation.units import between, count, quantity, ratio, ratio_between

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "START_UP",
    "Pictures",
    "blocks_needed",
    "by_value",
    "margin_of",
    "pictures",
    "ratio_figure",
    "resolved",
    "start_up_figure",
    "unresolved",
]

START_UP: Final = ("cold_start", "warm_start", "first_start_after_load")
"""Probes whose seconds are worth seeing as such: what everybody asks for first."""

_RESOLVED: Final = {Comparison.BETTER, Comparison.WORSE, Comparison.EQUIVALENT}


def margin_of(criteria: Criteria, probe: str) -> float:
    """Return the indifference margin that a probe's criterion declares, or else the general one."""
    names = [name for name, row in criteria.criteria.items() if row.probe == probe]
    return criteria.margin(names[0]) if names else criteria.method.indifference_margin.value


def ratio_figure(name: str, probe: str, findings: Sequence[Finding], *, margin: float) -> Markup | None:
    """Draw every runtime's ratio to the bare host; nothing where none was measured."""
    rows = []
    for finding in findings:
        word, tone = state(finding).word, state(finding).tone
        found = finding.ratio if finding.outcome is Outcome.MEASURED else None
        note = f"{ratio(found.estimate)} ({ratio_between(found)}) {word}" if found else word
        rows.append(RatioRow(label=finding.runtime, note=note, tone=tone, ratio=found))
    if not any(row.ratio for row in rows):
        return None
    unit = findings[0].texts.unit or "value"
    return ratio_plot(name, f"{probe}: ratio of {unit} to the bare host", rows, margin=margin)


def start_up_figure(name: str, probe: str, findings: Sequence[Finding]) -> Markup | None:
    """Draw every runtime's own seconds, the bare host's too, on a logarithmic axis; fastest first."""
    rows = []
    for finding in by_value(findings):
        value, unit = finding.value, finding.texts.unit
        note = f"{quantity(value.estimate, unit)} ({between(value, unit)})" if value else state(finding).word
        rows.append(
            ValueRow(label=finding.runtime, note=note, tone="plain" if value else "hollow", value=value)
        )
    if not any(row.value for row in rows):
        return None
    texts = findings[0].texts
    return value_plot(
        name, f"{probe}: {texts.question}", rows, unit=texts.unit, axis="wall time from start to end"
    )


def by_value(findings: Sequence[Finding]) -> list[Finding]:
    """Put the smallest value first, and those without one last."""
    return sorted(findings, key=lambda each: each.value.estimate if each.value else math.inf)


def blocks_needed(
    ratio: Interval, blocks: int, *, margin: float, confidence: float, comparisons: int
) -> int | None:
    """Estimate how many blocks would tell on which side of the margin a ratio lies.

    The half-width of an interval falls with the square root of the number of blocks (whatever the noise is
    like, as long as blocks are independent); it must become smaller than the distance to the nearest border,
    at the level that the weakest of so many comparisons has to hold (Holm's first step, taken as normal).

    Returns
    -------
    int or None
        In two digits. At least as many as any claim needs among so many comparisons; where there are that
        many already, at least half as many again, because where the interval is narrow enough as it is, the
        number of comparisons or the noise floor stood in the way. ``None`` for a ratio on the border.
    """
    distance = abs(abs(math.log(ratio.estimate)) - math.log1p(margin))
    if distance == 0:
        return None
    alone, together = (NormalDist().inv_cdf(1 - (1 - confidence) / 2 / m) for m in (1, comparisons))
    half_width = math.log(ratio.high / ratio.low) / 2 * together / alone
    least = blocks_to_claim(comparisons, confidence=confidence)
    estimate = max(1.5 * blocks if blocks >= least else least, blocks * (half_width / distance) ** 2)
    return int(float(f"{estimate:.1e}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Figures with their titles, as a notebook shows them."""

    figures: tuple[tuple[str, Markup], ...]

    def _repr_html_(self) -> str:
        style = (TEMPLATES / "figures.css").read_text(encoding="utf-8")
        shown = (
            Markup("<figure><figcaption>{}</figcaption>{}</figure>").format(title, figure)
            for title, figure in self.figures
        )
        return f'<style>{style}</style><div class="pictures">{Markup("").join(shown)}</div>'


def pictures(run: Run, criteria: Path, group: str = "performance") -> Pictures:
    """Draw start-up in seconds, then the ratios to the bare host of every probe of a group."""
    rules = load_criteria(criteria)
    by_probe = _by_probe(run, rules, group)
    drawn = [
        (f"{probe}, seconds", start_up_figure(anchor("value", probe), probe, by_probe[probe]))
        for probe in START_UP
        if probe in by_probe
    ]
    for probe, found in by_probe.items():
        others = [finding for finding in found if finding.runtime != CONTROL]
        figure = ratio_figure(anchor("ratio", probe), probe, others, margin=margin_of(rules, probe))
        drawn.append((f"{probe}: {found[0].texts.question}", figure))
    return Pictures(figures=tuple((title, figure) for title, figure in drawn if figure))


def resolved(run: Run, criteria: Path, group: str = "performance") -> pd.DataFrame:
    """Claims that stand after the correction for their number: one row each."""
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    rows = [
        {
            "probe": finding.probe,
            "runtime": finding.runtime,
            "verdict": state(finding).word,
            "ratio to the host": ratio(found.estimate),
            "interval": ratio_between(found),
            "blocks": len(finding.samples),
        }
        for finding, found in _compared(run, load_criteria(criteria), group)
        if finding.comparison in _RESOLVED
    ]
    columns = ["probe", "runtime", "verdict", "ratio to the host", "interval", "blocks"]
    return pd.DataFrame(rows, columns=columns).set_index(["probe", "runtime"])


def unresolved(run: Run, criteria: Path, group: str = "performance") -> pd.DataFrame:
    """What these blocks cannot tell, and about how many would (see `blocks_needed`)."""
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    rules = load_criteria(criteria)
    rows = []
    for finding, found in _compared(run, rules, group):
        if finding.comparison in _RESOLVED:
            continue
        margin = margin_of(rules, finding.probe)
        needed = blocks_needed(
            found,
            len(finding.samples),
            margin=margin,
            confidence=rules.method.confidence_level.value,
            comparisons=finding.comparisons,
        )
        rows.append(
            {
                "probe": finding.probe,
                "runtime": finding.runtime,
                "ratio to the host": ratio(found.estimate),
                "interval": ratio_between(found),
                "margin": f"{margin:.0%}",
                "blocks": len(finding.samples),
                "would take about": _in_words(needed),
            }
        )
    columns = ["probe", "runtime", "ratio to the host", "interval", "margin", "blocks", "would take about"]
    return pd.DataFrame(rows, columns=columns).set_index(["probe", "runtime"])


def _in_words(blocks: int | None) -> str:
    if blocks is None:
        return "no number of blocks"
    return count(blocks, "block") if blocks <= 10_000 else "more than 10,000 blocks"


def _by_probe(run: Run, rules: Criteria, group: str) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings_of(run, rules):
        if finding.texts.group == group and finding.runtime != CONTROL_AGAIN:
            found.setdefault(finding.probe, []).append(finding)
    return found


def _compared(run: Run, rules: Criteria, group: str) -> list[tuple[Finding, Interval]]:
    return [
        (finding, finding.ratio)
        for found in _by_probe(run, rules, group).values()
        for finding in found
        if finding.ratio is not None and finding.comparison is not None
    ]
