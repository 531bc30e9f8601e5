"""What the collaboration has to run, where it could run, and what is in the way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.decide.readiness import Candidate, Met, Place, Readiness, State, candidates, in_order
from evaluation.inventory import COLUMNS, Inventory, Package
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.places import Places
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State as Badge
from evaluation.sites import Fact, Site

__all__ = ["packages"]

_BADGES: Final = {
    Readiness.READY: Badge(
        word="ready", tone="good", meaning="Every need was seen to be met, and no question is open."
    ),
    Readiness.CARE: Badge(
        word="with care",
        tone="open",
        meaning="What it cannot do without is there; something else is not met or not known, or asked.",
    ),
    Readiness.BLOCKED: Badge(
        word="blocked", tone="bad", meaning="Something it cannot do without was seen not to work."
    ),
    Readiness.UNKNOWN: Badge(
        word="not known", tone="hollow", meaning="Nobody has looked at something it cannot do without."
    ),
}
_NEEDS: Final = {
    State.MET: Badge(word="met", tone="good", meaning=""),
    State.NOT_MET: Badge(word="not met", tone="bad", meaning=""),
    State.UNKNOWN: Badge(word="not known", tone="hollow", meaning=""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedCell:
    """One need in one runtime: its badge, and where its evidence stands."""

    badge: Badge
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What stands in the way of a package, in which runtimes, and what would clear it away."""

    met: Met
    runtimes: tuple[str, ...]

    @property
    def word(self) -> str:
        """Whether it is in the way, or was not looked at."""
        return "not met" if self.met.state is State.NOT_MET else "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Which runtimes a package could be run in at a site, best first, and why not in the others.

    ``lent_by`` is the title of the site whose evidence stands in, where this one has not measured.
    """

    site: str
    lent_by: str
    first: tuple[Candidate, ...]
    barred: tuple[Candidate, ...]
    blocked: tuple[Candidate, ...]
    unknown: tuple[Candidate, ...]

    @property
    def badge(self) -> Badge:
        """The best that can be had there."""
        return _BADGES[self.first[0].readiness] if self.first else _BADGES[self._left]

    @property
    def why(self) -> str:
        """What keeps the first from being ready."""
        left = [item.name for item in self.first[0].standing_in_the_way] if self.first else []
        asked = "its open questions" if self.first and self.first[0].package.questions else ""
        return ", ".join([*left, *([asked] if asked else [])])

    @property
    def _left(self) -> Readiness:
        return Readiness.UNKNOWN if self.unknown or not self.blocked else Readiness.BLOCKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One package at one measured site: a verdict in each runtime, its needs, and what is in the way."""

    package: Package
    target: str
    cells: tuple[tuple[Candidate, Badge], ...]
    needs: tuple[tuple[Met, tuple[NeedCell, ...]], ...]
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One measured site. ``absent`` are the runtimes that were not there, with the reasons."""

    title: str
    absent: tuple[tuple[str, str], ...]
    runtimes: tuple[str, ...]
    rows: tuple[Row, ...]


def packages(case: Case) -> Chapter:
    """Show the inventory, each package's readiness at each site, and its open questions."""
    inventory = case.inventory
    measured = {site.site for site in case.measured}
    others = tuple(site for name, site in case.sites.items() if name not in measured and site.facts)
    return chapter(
        "packages",
        inventory=inventory,
        columns=tuple(COLUMNS.items()),
        matrices=tuple(_matrix(case, site, inventory) for site in case.measured) if inventory else (),
        answers=_answers(case, others, inventory) if inventory else (),
        others=tuple((site, _on_containers(site)) for site in others),
        legend=tuple(_BADGES.values()),
        use_cases={name: use_case.title for name, use_case in case.criteria.use_cases.items()},
    )


def _place(case: Case, site: SiteCase) -> Place:
    return Place(
        site=case.sites[site.site],
        findings=site.findings,
        images=tuple(site.manifest.images.values()),
        families={facts.id: facts.family for facts in site.manifest.runtimes},
    )


def _matrix(case: Case, site: SiteCase, inventory: Inventory) -> Matrix:
    runtimes, place, places = site.measured, _place(case, site), Places(case)
    tried = frozenset(site.tried)
    rows = []
    for package in inventory.packages:
        found = candidates(package, runtimes, place, case.criteria)
        needs = tuple(
            (
                found[0].needs[index],
                tuple(_cell(site, places, item.needs[index], item.runtime, tried=tried) for item in found),
            )
            for index in range(len(package.needs) if found else 0)
        )
        rows.append(
            Row(
                package=package,
                target=anchor("package", site.folder, package.id),
                cells=tuple((item, _BADGES[item.readiness]) for item in found),
                needs=needs,
                obstacles=_obstacles(found),
            )
        )
    return Matrix(title=case.title(site), absent=site.absent, runtimes=runtimes, rows=tuple(rows))


def _cell(site: SiteCase, places: Places, met: Met, runtime: str, *, tried: Collection[str]) -> NeedCell:
    shown = met.finding is not None and met.finding.probe in tried
    target = places.cell(site, met.finding.probe, runtime) if met.finding and shown else ""
    return NeedCell(badge=_NEEDS[met.state], target=target)


def _obstacles(found: Iterable[Candidate]) -> tuple[Obstacle, ...]:
    """Put together what is the same in several runtimes."""
    grouped: dict[tuple[str, State, str], list[tuple[Met, str]]] = {}
    for item in found:
        for met in item.standing_in_the_way:
            grouped.setdefault((met.name, met.state, met.seen), []).append((met, item.runtime))
    return tuple(
        Obstacle(met=those[0][0], runtimes=tuple(runtime for _, runtime in those))
        for those in sorted(
            grouped.values(),
            key=lambda those: (those[0][0].need.without == "care", those[0][0].state is State.UNKNOWN),
        )
    )


def _answers(
    case: Case, others: Sequence[Site], inventory: Inventory
) -> tuple[tuple[Package, tuple[Answer, ...]], ...]:
    """Answer every package for every site: by its own evidence, or by that of the nearest that has any."""
    asked: list[tuple[SiteCase, Site | None]] = [(site, None) for site in case.measured]
    asked += [(_nearest(case, site), site) for site in others]
    return tuple(
        (package, tuple(_answer(case, package, site, at) for site, at in asked))
        for package in inventory.packages
    )


def _answer(case: Case, package: Package, site: SiteCase, at: Site | None) -> Answer:
    found = candidates(package, site.measured, _place(case, site), case.criteria, at=at)
    decision = next((each for each in site.decision.use_cases if each.use_case == package.use_case), None)
    order = tuple(verdict.runtime for verdict in decision.verdicts) if decision else ()
    permitted = tuple(item for item in found if not item.barred)
    return Answer(
        site=at.title if at else case.title(site),
        lent_by=case.title(site) if at else "",
        first=in_order(found, order),
        barred=tuple(item for item in found if item.barred),
        blocked=tuple(item for item in permitted if item.readiness is Readiness.BLOCKED),
        unknown=tuple(item for item in permitted if item.readiness is Readiness.UNKNOWN),
    )


def _nearest(case: Case, site: Site) -> SiteCase:
    """Find whose evidence stands in: of the same batch system if there is one, else the newest."""

    def nearness(measured: SiteCase) -> tuple[bool, str]:
        known = case.sites.get(measured.site)
        same = known is not None and known.batch.engine == site.batch.engine
        return same, measured.manifest.started_at

    return max(case.measured, key=nearness)


def _on_containers(site: Site) -> tuple[Fact, ...]:
    return tuple(fact for fact in site.facts if "container" in fact.topic)
