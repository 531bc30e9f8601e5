"""The standing rule: who is recommended, and why nobody is.

A runtime is recommended only when nothing that is missing could overturn it (its lowest possible
score beats the highest of every rival) and when it comes first in enough draws of plausible weights
and resampled measurements. A pure function of scores, so that it can be read and tested in one go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evaluation.model import Scenario, Score, Standing

__all__ = ["SETTLED", "Ranking", "ahead", "depending", "middle", "rank"]

SETTLED = frozenset({Standing.RECOMMENDED, Standing.TIED})
"""The standings of a first place that is given to somebody."""

_EQUAL = 1e-12
"""Two sums of the same numbers in another order differ by less than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """The field in order, and the standing of each. ``group`` are those who share the first place."""

    order: tuple[str, ...]
    standings: Mapping[str, Standing]
    group: tuple[str, ...]

    @property
    def winner(self) -> str | None:
        """The one that is recommended, if any is."""
        return next((name for name in self.order if self.standings[name] is Standing.RECOMMENDED), None)


def rank(
    scores: Mapping[str, Score],
    chances: Mapping[str, float],
    *,
    bar: float,
    tie_margin: float,
    unresolved: Collection[str] = (),
) -> Ranking:
    """Rank a field of runtimes that were measured and not knocked out.

    Parameters
    ----------
    scores : mapping of str to Score
        The total score of each.
    chances : mapping of str to float
        The least probability of each to be first.
    bar : float
        What that probability must pass.
    tie_margin : float
        Scores closer than this are equal.
    unresolved : collection of str
        Runtimes of which it is not known whether something would knock them out. They compete, but
        are not recommended.

    Notes
    -----
    In this order: those whose highest possible score reaches the best of the lowest ones (less the tie
    margin) compete for the first place. If missing evidence is why they overlap, or a knock-out of
    one of them is unresolved, they are ``UNDECIDED``. If their joint chance misses the bar, noise
    or weights could put others first: ``TOO_CLOSE``, together with as many rivals as it takes. Where all
    chances together miss it (they are least chances), missing evidence is why: ``UNDECIDED``, together with
    the rival that could reach farthest and those within the tie margin of it.
    So neither word is ever said of one alone, unless a knock-out is unresolved. A group that passes is
    ``TIED``, a single one ``RECOMMENDED``. Everyone else is ``BEHIND``.
    """
    order = tuple(sorted(scores, key=lambda name: (-middle(scores[name]), name)))
    standings = dict.fromkeys(order, Standing.BEHIND)
    if not order:
        return Ranking(order=(), standings={}, group=())
    best_low = max(score.low for score in scores.values())
    group = tuple(name for name in order if scores[name].high >= best_low - tie_margin - _EQUAL)
    overlap = len(group) > 1 and any(scores[name].value is None for name in group)
    if overlap or any(name in unresolved for name in group):
        return Ranking(
            order=order, standings=standings | dict.fromkeys(group, Standing.UNDECIDED), group=group
        )
    if sum(chances[name] for name in group) < bar - _EQUAL:
        group = _until_bar(group, chances, bar)
        standing = Standing.TOO_CLOSE
        if sum(chances[name] for name in group) < bar - _EQUAL and (
            hidden := _farthest(order, group, scores, tie_margin)
        ):
            group, standing = (*group, *hidden), Standing.UNDECIDED
        return Ranking(order=order, standings=standings | dict.fromkeys(group, standing), group=group)
    standing = Standing.RECOMMENDED if len(group) == 1 else Standing.TIED
    return Ranking(order=order, standings=standings | dict.fromkeys(group, standing), group=group)


def depending(ranking: Ranking, scenarios: Sequence[Scenario]) -> Ranking:
    """Take a first place back that a declared scenario gives to others, or to others as well.

    Those who are first as signed then ``DEPENDS``, and so does whoever a scenario puts before one of them.
    Who only draws level with them stays ``BEHIND``. What is open or too close stays so.
    """
    settled = any(ranking.standings[name] in SETTLED for name in ranking.group)
    if not settled or all(scenario.agrees for scenario in scenarios):
        return ranking
    first = {*ranking.group, *ahead(scenarios)}
    group = tuple(name for name in ranking.order if name in first)
    return Ranking(
        order=ranking.order,
        standings={**ranking.standings, **dict.fromkeys(group, Standing.DEPENDS)},
        group=group,
    )


def ahead(scenarios: Sequence[Scenario]) -> set[str]:
    """Name those whom a scenario puts before one who is first as signed, which is the first scenario."""
    first = {*scenarios[0].leaders}
    return {name for each in scenarios if not first <= {*each.leaders} for name in each.leaders}


def middle(score: Score) -> float:
    """Where a score stands in an order: its value, or the middle of its interval."""
    return (score.low + score.high) / 2 if score.value is None else score.value


def _until_bar(group: tuple[str, ...], chances: Mapping[str, float], bar: float) -> tuple[str, ...]:
    """Add rivals, likeliest first, until the first place is among them as surely as the bar asks."""
    wider = list(group)
    for name in sorted(set(chances) - set(group), key=lambda name: (-chances[name], name)):
        if chances[name] <= 0 or sum(chances[each] for each in wider) >= bar - _EQUAL:
            break
        wider.append(name)
    return tuple(wider)


def _farthest(
    order: tuple[str, ...], group: tuple[str, ...], scores: Mapping[str, Score], tie_margin: float
) -> tuple[str, ...]:
    """Whoever could reach farthest of those that missing evidence could put first, and their equals.

    These are the rivals that have gaps; and all of them, where one of the group has.
    """
    gap = any(scores[name].value is None for name in group)
    rivals = [name for name in order if name not in group and (gap or scores[name].value is None)]
    most = max((scores[name].high for name in rivals), default=0.0)
    return tuple(name for name in rivals if scores[name].high >= most - tie_margin - _EQUAL)
