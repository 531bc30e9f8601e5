"""What makes a runtime one to avoid: a harm that can be said in one sentence, and not that it is behind.

A veto is one, and has its reason already. Here are the other two: a severe exposure that no option closes
which the site permits, and a loss of time that is surely above a declared share of the unit of work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from evaluation.decide.answerrules import Harm, WordRule
from evaluation.decide.knockouts import accepted, family_of
from evaluation.model import Delta, Finding, Loss, Outcome, Severity
from evaluation.sites import Site
from evaluation.units import percent

__all__ = ["exposures", "harms"]

_HOLDS_NOT = frozenset({Outcome.FAILS, Outcome.SOMETIMES})


def exposures(
    runtime: str,
    concerns: Mapping[str, str],
    findings: Iterable[Finding],
    families: Mapping[str, str],
    site: Site,
) -> tuple[str, ...]:
    """Say which severe exposures stay open in every mode of a runtime's family that the site permits.

    Parameters
    ----------
    runtime : str
        Its id.
    concerns : mapping of str to str
        By probe, the criterion that the use case weighs or knocks out by; nothing else is a harm to it.
    findings : iterable of Finding
        All of the run, those of modes that are not ranked among them.
    families : mapping of str to str
        Family by runtime id.
    site : Site
        What it forbids, and what it accepts.

    Returns
    -------
    tuple of str
        A sentence for each. Only what the runtime adds to the bare host counts, and only what was seen here.
    """
    family = family_of(runtime, families)
    every = [
        finding
        for finding in findings
        if finding.probe in concerns
        and finding.borrowed is None
        and finding.texts.severity is Severity.HIGH
        and family_of(finding.runtime, families) == family
    ]
    closed = {
        finding.probe
        for finding in every
        if finding.outcome is Outcome.HOLDS and _permitted(finding.runtime, family, site)
    }
    return tuple(
        f"{finding.message.rstrip('.')} ({finding.texts.checklist_id or finding.probe}), "
        "and no option that was tried and is permitted here closes it"
        for finding in every
        if finding.runtime == runtime
        and finding.outcome in _HOLDS_NOT
        and finding.delta is Delta.ADDED
        and finding.probe not in closed
        and not accepted(concerns[finding.probe], runtime, family, site)
    )


def _permitted(runtime: str, family: str, site: Site) -> bool:
    return not any(rule.runtime == runtime or rule.family == family for rule in site.policy.knock_outs)


def harms(rules: Iterable[WordRule], exposed: Collection[str], loss: Loss | None) -> dict[Harm, str]:
    """Say in one sentence each what harm there is, by its kind.

    A loss is a harm only where its whole interval is above the share that the rule declares.
    """
    found: dict[Harm, str] = {}
    if exposed:
        found[Harm.EXPOSURE] = "; ".join(exposed)
    limits = [rule.above for rule in rules if rule.harm is Harm.LOSS and rule.above is not None]
    if loss and limits and loss.low / loss.unit_s > min(limits):
        surely = percent(loss.low / loss.unit_s)
        found[Harm.LOSS] = f"it loses at least {surely} of the time of every unit of work"
    return found
