"""How good the evidence is, apart from how often a runtime came first: a word, and a footnote for each doubt.

It starts high and falls one step for each doubt that ``criteria.yaml`` declares. A fact that is not known is
said not to be known, and counts as a doubt. It stands beside the chance and is never multiplied with it
(``docs/decisions/0020-confidence-beside-the-chance.md``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from evaluation.decide.answerrules import LEVELS, Change, ConfidenceRule, Doubted
from evaluation.facts import months_since
from evaluation.manifest import Manifest
from evaluation.model import CheckState, Confidence, Doubt, UseCaseDecision
from evaluation.sites import Site
from evaluation.units import percent, share

__all__ = ["Circumstances", "circumstances", "confidence"]

_BOUNDED = frozenset({"container", "limits"})
"""Checks of the host that say, where they are a condition, that others have the rest of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """How the evidence of a site came about; what is ``None`` is not known.

    ``example`` says why it is nobody's own evidence, and is empty where it is the site's. ``shared`` says in
    what way the machine was others' too. ``stores``: whether the site's images lie on a file system that
    many nodes share, and whether those that were measured did.
    """

    example: str = ""
    test: bool = False
    machines: int = 1
    virtual: bool | None = None
    shared: str = ""
    months: int | None = None
    stores: tuple[bool | None, bool | None] = (None, None)


def circumstances(
    manifest: Manifest, site: Site | None, *, on: date, shortage: str = "", borrowed_from: str = ""
) -> Circumstances:
    """Gather from a run's manifest and the site's file how its evidence came about.

    Parameters
    ----------
    manifest : Manifest
        The run's.
    site : Site or None
        What is declared of the site, where it is known.
    on : date
        The day for which the age is told.
    shortage : str, optional
        That processors were short while it was measured, in words.
    borrowed_from : str, optional
        Whose evidence stands in, where the site has measured nothing.
    """
    example = f"all evidence is borrowed from {borrowed_from}" if borrowed_from else manifest.label
    nodes = {job.node for job in manifest.batch.jobs} if manifest.batch else set()
    virtual = {"virtual machine": True, "none seen": False}.get(manifest.host.virtualisation)
    bounded = [
        check.sentence
        for check in manifest.checks
        if check.what in _BOUNDED and check.state is CheckState.CONDITION
    ]
    kinds = {
        check.file_system
        for check in manifest.checks
        if check.what == "image store" and check.state is not CheckState.UNKNOWN
    }
    return Circumstances(
        example=example,
        test=site is not None and site.status == "test",
        machines=max(1, len(nodes)),
        virtual=virtual,
        shared="; ".join((*bounded, *([shortage] if shortage else []))),
        months=months_since(manifest.started_at[:10], on),
        stores=(_declared(site), None if kinds <= {""} else "shared" in kinds),
    )


def _declared(site: Site | None) -> bool | None:
    if site is None:
        return None
    if site.image_store is not None:
        return site.image_store.kind == "shared"
    return False if site.batch.engine == "local" else None


def confidence(
    decision: UseCaseDecision,
    found: Circumstances,
    rule: ConfidenceRule,
    *,
    margin: float,
    months: int | None,
) -> Confidence | None:
    """Say how good the evidence of one answer is; nothing where nobody competes.

    Parameters
    ----------
    decision : UseCaseDecision
        The answer, with the other sites among its scenarios.
    found : Circumstances
        How its evidence came about.
    rule : ConfidenceRule
        Which doubts count.
    margin : float
        The tie margin, of which an interval must not be wider.
    months : int or None
        After how many months evidence is too old; never, where ``None``.
    """
    if not decision.scenarios:
        return None
    doubts = tuple(
        Doubt(name=doubt, note=note)
        for doubt, note in _doubts(decision, found, rule, margin, months)
        if doubt in rule.steps
    )
    level = min(len(doubts), len(LEVELS) - 1)
    example = bool(found.example)
    if example:
        level = max(level, LEVELS.index(rule.example.value))
    return Confidence(word=LEVELS[level], doubts=doubts, example=example)


def _doubts(
    decision: UseCaseDecision, found: Circumstances, rule: ConfidenceRule, margin: float, months: int | None
) -> Iterator[tuple[Doubted, str]]:
    if found.example:
        yield Doubted.ELSEWHERE, f"not measured on your machine: {found.example}"
    elif found.test:
        yield Doubted.ELSEWHERE, "measured on a test cluster, and on no centre's machine"
    if found.machines < 2:
        yield Doubted.ONE_MACHINE, "measured on one machine only"
    yield from _nodes(found)
    if decision.spread is None:
        yield Doubted.WIDE, "how sure the first score is, is not known"
    elif decision.spread.high - decision.spread.low > margin:
        yield (
            Doubted.WIDE,
            (
                f"the first score lies between {share(decision.spread.low)} and "
                f"{share(decision.spread.high)}, which is wider than the tie margin of {share(margin)}"
            ),
        )
    if decision.measured < rule.measured_share.value:
        yield Doubted.UNMEASURED, f"only {percent(decision.measured)} of the weight was measured here"
    if away := _disagreeing(decision):
        yield Doubted.SITES, f"sites disagree: {'; '.join(away)}"
    if found.months is None:
        yield Doubted.OLD, "when it was measured is not known"
    elif months is not None and found.months > months:
        yield Doubted.OLD, f"measured {found.months} months before the newest run; the limit is {months}"
    yield from _stores(found)


def _nodes(found: Circumstances) -> Iterator[tuple[Doubted, str]]:
    said = []
    if found.virtual:
        said.append("measured in a virtual machine")
    if found.shared:
        said.append(f"the machine was shared: {found.shared}")
    if found.virtual is None:
        said.append("whether the machine was a virtual one is not known")
    if said:
        yield Doubted.SHARED, "; ".join(said)


def _stores(found: Circumstances) -> Iterator[tuple[Doubted, str]]:
    sites_own, measured = found.stores
    shared = "the site's images lie on a shared file system"
    if sites_own is None:
        yield Doubted.LOCAL_DISK, "on what file system the site keeps its images is not known"
    elif sites_own and measured is None:
        yield Doubted.LOCAL_DISK, f"{shared}, and on what those lay that were measured is not known"
    elif sites_own and not measured:
        yield Doubted.LOCAL_DISK, f"measured on a local disk, and {shared}"


def _disagreeing(decision: UseCaseDecision) -> list[str]:
    return [
        f"{scenario.condition}, {_names(scenario.leaders)} is first"
        for scenario in decision.scenarios
        if scenario.change == Change.SITES and not scenario.agrees
    ]


def _names(names: Iterable[str]) -> str:
    return " or ".join(names)
