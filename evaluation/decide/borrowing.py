"""Evidence from another site, taken where this one has none: labelled, widened, never mixed with its own.

A criterion is borrowed for all runtimes or for none: as soon as this site has any evidence of its probe, its
own counts alone, because figures of two machines cannot be compared in one row (law 3). A verdict of the
batch contract is borrowed only between control groups of one version and one manager: others turn it round.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from evaluation.decide.batchcontract import NOT_KNOWN
from evaluation.decide.criteria import Criteria
from evaluation.model import CONTROL, CONTROL_AGAIN, Borrowed, Finding, Interval
from evaluation.sites import Site

__all__ = ["with_borrowed"]


def with_borrowed(
    own: Iterable[Finding],
    lent: Iterable[Finding],
    site: Site,
    criteria: Criteria,
    *,
    run: str,
    present: Collection[str] | None = None,
    control_groups: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Add to a site's findings what it borrows.

    Parameters
    ----------
    own : iterable of Finding
        Of the site's own run; none where it has not measured.
    lent : iterable of Finding
        Of the lender's run. What that had borrowed itself is not lent again.
    site : Site
        Who borrows, with its declaration.
    criteria : Criteria
        For the probes behind the criteria.
    run : str
        The name of the site's run, which all its findings carry.
    present : collection of str, optional
        The runtimes that are at this site; nothing is borrowed for another one. By default all are.
    control_groups : mapping of str to str, optional
        Per runtime, under which control groups it runs at this site. By default nothing is known of them.

    Returns
    -------
    tuple of Finding
        The own ones, less those that say nothing where a borrowed one stands in, and the borrowed ones.
    """
    own = tuple(own)
    known = {finding.probe for finding in own if finding.outcome.is_evidence}
    wanted = {
        probe: borrow
        for borrow in site.borrows
        for name in borrow.criteria
        if name in criteria.criteria
        for probe in criteria.probes_of(name)
        if probe not in known
    }
    here = None if present is None else {*present, CONTROL, CONTROL_AGAIN}
    taken = {
        (finding.probe, finding.runtime): _lent(
            finding,
            site.id,
            run,
            Borrowed(
                site=finding.site,
                run=finding.run,
                widen_by=wanted[finding.probe].widen_by,
                reason=wanted[finding.probe].reason,
                source=wanted[finding.probe].source,
            ),
        )
        for finding in lent
        if finding.probe in wanted and finding.outcome.is_evidence and finding.borrowed is None
        if here is None or finding.runtime in here
        if _same_groups(finding, control_groups or {})
    }
    kept = tuple(finding for finding in own if (finding.probe, finding.runtime) not in taken)
    return (*kept, *taken.values())


def _same_groups(finding: Finding, here: Mapping[str, str]) -> bool:
    """Whether a verdict hangs on no control groups, or was seen under such as are known to be here."""
    groups = finding.control_groups
    return not groups or (groups == here.get(finding.runtime) and NOT_KNOWN not in groups)


def _lent(finding: Finding, site: str, run: str, borrowed: Borrowed) -> Finding:
    """Make it a finding of the borrower's; what was tested there is not claimed here."""
    return replace(
        finding,
        site=site,
        run=run,
        value=_widened(finding.value, borrowed.widen_by) if finding.value else None,
        ratio=_widened_ratio(finding.ratio, borrowed.widen_by) if finding.ratio else None,
        comparison=None,
        borrowed=borrowed,
    )


def _widened(interval: Interval, factor: float) -> Interval:
    middle = interval.estimate
    low = middle - factor * (middle - interval.low)
    return Interval(
        estimate=middle,
        low=max(0.0, low) if interval.low >= 0 else low,  # what cannot be negative stays so
        high=middle + factor * (interval.high - middle),
    )


def _widened_ratio(interval: Interval, factor: float) -> Interval:
    """Widen on the scale of logarithms, on which ratios are estimated."""
    middle, low, high = (math.log(each) for each in (interval.estimate, interval.low, interval.high))
    return Interval(
        estimate=interval.estimate,
        low=math.exp(middle - factor * (middle - low)),
        high=math.exp(middle + factor * (high - middle)),
    )
