"""The best of what a site has for its users: often another runtime than the best that was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation.decide.knockouts import family_of
from evaluation.model import UseCaseDecision, Verdict
from evaluation.sites import Offer

__all__ = ["best_offered"]


def best_offered(
    decision: UseCaseDecision, offers: Iterable[Offer], families: Mapping[str, str]
) -> Verdict | None:
    """Find the verdict on the best of the offered runtimes in one use case.

    Parameters
    ----------
    decision : UseCaseDecision
        Its verdicts stand in order of rank: the field, then the knocked out, then those not measured.
    offers : iterable of Offer
        Of the site.
    families : mapping of str to str
        Family by runtime id.

    Returns
    -------
    Verdict or None
        ``None`` where nothing is offered, or nothing of it was looked for.
    """
    offers = tuple(offers)
    return next(
        (
            verdict
            for verdict in decision.verdicts
            if any(o.holds_for(verdict.runtime, family_of(verdict.runtime, families)) for o in offers)
        ),
        None,
    )
