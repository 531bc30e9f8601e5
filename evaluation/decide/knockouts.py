"""Knock-outs: what ends a runtime's candidacy, whatever else it scores.

The site's policy comes before the use case's own vetoes. A veto about which nothing is known neither
knocks out nor clears: it stays open, and an open veto keeps a runtime from being recommended. What a site
accepts knocks nobody out there by a use case's veto; that it did so is always said. What
was seen at another site neither knocks out nor clears (``docs/decisions/0012-borrowed-evidence.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.decide.criteria import UseCase
from evaluation.model import Finding, Outcome
from evaluation.sites import Acceptance, Site

__all__ = ["Reason", "accepted", "family_of", "knock_outs", "open_vetoes", "waived"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a runtime is out: the rule in words, and what was seen where the rule asks for evidence."""

    rule: str
    evidence: str = ""

    @property
    def short(self) -> str:
        """What was seen, or else the rule: what a sentence has room for."""
        return self.evidence or self.rule

    def __str__(self) -> str:
        return f"{self.rule} [{self.evidence}]" if self.evidence else self.rule


def family_of(runtime: str, families: Mapping[str, str]) -> str:
    """Return a runtime's family: as given, or what its id begins with (``docker-rootless``: ``docker``)."""
    return families.get(runtime, runtime.split("-", maxsplit=1)[0])


def knock_outs(
    runtime: str, family: str, findings: Mapping[str, Finding], site: Site, use_case: UseCase
) -> tuple[Reason, ...]:
    """Say why a runtime is out, the site's policy first; nothing where it is not.

    ``findings`` are those of this runtime, by criterion id.
    """
    reasons = []
    for rule in site.policy.knock_outs:
        by_name = rule.runtime == runtime or rule.family == family
        evidence = _evidence(findings.get(rule.criterion), rule.when) if rule.criterion else ""
        if by_name or evidence:
            rule_in_words = f"policy of {site.title}: {rule.reason.rstrip('.')}"
            reasons.append(Reason(rule=rule_in_words, evidence=evidence))
    for veto in use_case.knock_outs:
        evidence = _evidence(findings.get(veto.criterion), veto.when)
        if evidence and not _acceptance(veto.criterion, runtime, family, site):
            reasons.append(Reason(rule=veto.reason.rstrip("."), evidence=evidence))
    return tuple(reasons)


def waived(
    runtime: str, family: str, findings: Mapping[str, Finding], site: Site, use_case: UseCase
) -> tuple[Reason, ...]:
    """Say what would knock a runtime out by the use case, and does not because the site accepts it."""
    reasons = []
    for veto in use_case.knock_outs:
        evidence = _evidence(findings.get(veto.criterion), veto.when)
        acceptance = _acceptance(veto.criterion, runtime, family, site)
        if evidence and acceptance:
            rule = f"accepted by the policy of {site.title}: {acceptance.reason.rstrip('.')}"
            reasons.append(Reason(rule=rule, evidence=evidence))
    return tuple(reasons)


def open_vetoes(
    runtime: str, family: str, findings: Mapping[str, Finding], site: Site, use_case: UseCase
) -> tuple[str, ...]:
    """Criteria that would knock a runtime out, and about which nothing is known for it yet."""
    of_site = [rule.criterion for rule in site.policy.knock_outs if rule.criterion]
    of_use_case = [
        veto.criterion
        for veto in use_case.knock_outs
        if not _acceptance(veto.criterion, runtime, family, site)
    ]
    names = dict.fromkeys([*of_site, *of_use_case])
    return tuple(name for name in names if not _is_known(findings.get(name)))


def accepted(criterion: str, runtime: str, family: str, site: Site) -> bool:
    """Whether the site accepts that a criterion fails for a runtime."""
    return _acceptance(criterion, runtime, family, site) is not None


def _acceptance(criterion: str, runtime: str, family: str, site: Site) -> Acceptance | None:
    """Find what the site accepts of a criterion's failure for a runtime."""
    return next((item for item in site.policy.accepts if item.holds_for(criterion, runtime, family)), None)


def _is_known(finding: Finding | None) -> bool:
    """Whether the site's own evidence says something."""
    return finding is not None and finding.outcome.is_evidence and finding.borrowed is None


def _evidence(finding: Finding | None, when: str | None) -> str:
    """Return what shows that a rule's case has come true, or nothing."""
    if finding is None or finding.borrowed:
        return ""
    # What fails sometimes has failed: nobody can rely on it.
    outcome = Outcome.FAILS if finding.outcome is Outcome.SOMETIMES else finding.outcome
    if outcome != when:
        return ""
    return f"{finding.message.rstrip('.')} ({finding.texts.checklist_id or finding.probe})"
