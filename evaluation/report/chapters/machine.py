"""What the page says of virtual machines: that containers are lighter and faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evaluation.model import Comparison, Finding, Role
from evaluation.report.markup import Chapter, chapter
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State, state

__all__ = ["machine"]

_CLAIMS: Final = (
    ("light weight", ("cold_start", "warm_start", "container_memory")),
    (
        "better performance",
        ("cpu_rate", "memory_bandwidth", "metadata_rate", "open_rate", "bind_read", "bind_write"),
    ),
)
_BESIDE: Final = {Comparison.WORSE: "worse", Comparison.BETTER: "better", Comparison.EQUIVALENT: "equal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One probe: what the machine gave, what the containers gave between them, and each one's word."""

    probe: str
    question: str
    machine: Finding
    badge: State
    target: str
    containers: tuple[Finding, ...]

    @property
    def least(self) -> Finding:
        """The container nearest to one on the low side."""
        return min(self.containers, key=lambda finding: finding.ratio.estimate if finding.ratio else 0.0)

    @property
    def most(self) -> Finding:
        """The container on the high side."""
        return max(self.containers, key=lambda finding: finding.ratio.estimate if finding.ratio else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One half of the page's sentence, with the lines that bear on it and what they come to in words."""

    words: str
    lines: tuple[Line, ...]
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A site with a virtual machine, or with the reason why none was measured."""

    title: str
    claims: tuple[Claim, ...]
    reason: str
    advice: str


def machine(case: Case) -> Chapter:
    """Hold the machine's figures beside the containers', site by site."""
    measured = {site.site for site in case.measured}
    return chapter(
        "machine",
        machines=tuple(_machine(case, site, Places(case)) for site in case.measured),
        others=tuple(site.title for name, site in case.sites.items() if name not in measured and site.facts),
    )


def _machine(case: Case, site: SiteCase, places: Places) -> Machine:
    facts = next((facts for facts in site.manifest.runtimes if facts.role is Role.BESIDE), None)
    claims: tuple[Claim, ...] = ()
    if facts and facts.present:
        claims = tuple(_claim(site, places, facts.id, words, probes) for words, probes in _CLAIMS)
        claims = tuple(claim for claim in claims if claim.lines)
    reason = facts.reason if facts else "the run was measured before virtual machines were looked for"
    return Machine(
        title=case.title(site),
        claims=claims,
        reason="" if claims else reason or "it was there, but no probe gave a figure",
        advice=facts.advice if facts else "",
    )


def _claim(site: SiteCase, places: Places, id_: str, words: str, probes: tuple[str, ...]) -> Claim:
    lines = tuple(line for probe in probes for line in _lines(site, places, id_, probe))
    return Claim(words=words, lines=lines, verdict=_verdict(lines))


def _lines(site: SiteCase, places: Places, id_: str, probe: str) -> tuple[Line, ...]:
    found = site.cells.get((probe, id_))
    if found is None or found.value is None or found.ratio is None:
        return ()
    containers = tuple(
        finding
        for runtime in site.measured
        if (finding := site.cells.get((probe, runtime))) is not None and finding.ratio is not None
    )
    return (
        Line(
            probe=probe,
            question=found.texts.question,
            machine=found,
            badge=state(found),
            target=places.cell(site, probe, id_),
            containers=containers,
        ),
    )


def _verdict(lines: tuple[Line, ...]) -> str:
    """Say in a clause for how many of the lines the machine is worse than the host and no container is."""
    resolved = [line for line in lines if line.machine.comparison in _BESIDE]
    worse = [line for line in resolved if line.machine.comparison is Comparison.WORSE]
    alone = [
        line.probe
        for line in worse
        if any(finding.comparison is not Comparison.WORSE for finding in line.containers)
    ]
    if not resolved:
        return "not resolved: more blocks decide"
    if not worse:
        return "not borne out: in nothing that was resolved is the machine worse than the bare host"
    if not alone:
        return f"not decided by this: worse than the bare host in {_list(worse)}, and so is every container"
    return f"borne out for {', '.join(alone)}: worse than the bare host there, and not every container is"


def _list(lines: list[Line]) -> str:
    return ", ".join(line.probe for line in lines)
