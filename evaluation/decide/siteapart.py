"""Whether the sites agree, and which one of them keeps that from being said.

Sites are never averaged, so leaving one out changes no score anywhere. What it can change is what may be said
of all of them together: that the same runtime comes first at every measured site.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.model import Standing, UseCaseDecision

__all__ = ["Agreement", "First", "agreement"]

_SETTLED = frozenset({Standing.RECOMMENDED, Standing.TIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """Who comes first at one site, in one use case.

    ``runtimes`` is one that is recommended, or all that are tied, or all among whom it is open
    (``standing`` says which); none where nobody competes.
    """

    site: str
    runtimes: tuple[str, ...]
    standing: Standing | None

    @property
    def settled(self) -> bool:
        """Whether the first place is given to these."""
        return self.standing in _SETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What may be said of all sites together in one use case.

    ``common`` are the runtimes that come first at every site, by a settled answer; ``without`` gives for each
    site the same of the others.
    """

    firsts: tuple[First, ...]
    common: tuple[str, ...]
    without: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def hangs_on(self) -> tuple[str, ...]:
        """The sites without which something else could be said than with all of them."""
        return tuple(site for site, common in self.without if common != self.common)


def agreement(decisions: Sequence[tuple[str, UseCaseDecision]]) -> Agreement:
    """Compare the answers of several sites to one use case.

    Parameters
    ----------
    decisions : sequence of (str, UseCaseDecision)
        Each site's name, and its answer.
    """
    firsts = tuple(_first(site, decision) for site, decision in decisions)
    return Agreement(
        firsts=firsts,
        common=_common(firsts),
        without=tuple(
            (left_out.site, _common([first for first in firsts if first is not left_out]))
            for left_out in (firsts if len(firsts) > 1 else ())
        ),
    )


def _first(site: str, decision: UseCaseDecision) -> First:
    leaders = [
        verdict
        for verdict in decision.verdicts
        if verdict.standing not in {Standing.BEHIND, Standing.KNOCKED_OUT, Standing.NOT_MEASURED}
    ]
    return First(
        site=site,
        runtimes=tuple(sorted(verdict.runtime for verdict in leaders)),
        standing=leaders[0].standing if leaders else None,
    )


def _common(firsts: Sequence[First]) -> tuple[str, ...]:
    if not firsts or not all(first.settled for first in firsts):
        return ()
    return tuple(sorted(set.intersection(*(set(first.runtimes) for first in firsts))))
