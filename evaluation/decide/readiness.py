"""Whether a package could run in a runtime at a site: from findings alone, and never by what is missing.

A package names what it needs (``inventory.yaml``). A need is met where its finding holds, or was measured, or
where the image that stands for the package's size was brought into the runtime's form. What nobody looked at
is not known: it may keep a package from being ready and never makes it so. Nor is a package ready while a
question of its own is open: no measurement of a runtime answers whether a licence may be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from evaluation.decide.criteria import Criteria
from evaluation.decide.knockouts import family_of, knock_outs
from evaluation.inventory import Need, Package
from evaluation.manifest import ImageFacts
from evaluation.model import Finding, Outcome
from evaluation.sites import Site

__all__ = ["Candidate", "Met", "Place", "Readiness", "State", "candidates", "in_order", "readiness"]


class State(StrEnum):
    """Whether a need is met."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "not known"


class Readiness(StrEnum):
    """What the needs of a package come to, for one runtime at one site."""

    READY = "ready"
    CARE = "ready with care"
    UNKNOWN = "not known"
    BLOCKED = "blocked"

    @property
    def usable(self) -> int:
        """How far the package can be taken there: not at all, with care, as it is."""
        return {Readiness.READY: 2, Readiness.CARE: 1}.get(self, 0)


_STATES: Final = {
    Outcome.HOLDS: State.MET,
    Outcome.MEASURED: State.MET,
    Outcome.FAILS: State.NOT_MET,
    Outcome.SOMETIMES: State.NOT_MET,
    Outcome.UNSUPPORTED: State.NOT_MET,
    # It was tried here and did not work, bare neither: the host's doing, and in the package's way no less.
    Outcome.INERT: State.NOT_MET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One need, what was seen of it, and what to do about it where it is not met."""

    need: Need
    state: State
    seen: str
    unblock: str = ""
    finding: Finding | None = None

    @property
    def name(self) -> str:
        """The criterion's id, or the image's."""
        return self.need.criterion or f"image {self.need.image}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where evidence is from: one run at one site, and what that site and its use cases forbid."""

    site: Site
    findings: Sequence[Finding]
    images: Sequence[ImageFacts]
    families: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One package in one runtime at one site.

    ``barred`` says why the site's policy or the use case's knock-outs keep this runtime out there, whatever
    the package could do in it.
    """

    package: Package
    runtime: str
    readiness: Readiness
    needs: tuple[Met, ...]
    barred: tuple[str, ...] = ()

    @property
    def standing_in_the_way(self) -> tuple[Met, ...]:
        """What is not met and not known, what blocks first."""
        left = (item for item in self.needs if item.state is not State.MET)
        return tuple(
            sorted(left, key=lambda item: (item.need.without == "care", item.state is State.UNKNOWN))
        )


def readiness(needs: Iterable[Met]) -> Readiness:
    """Put the needs together.

    Blocked where one that blocks is not met; not known where one that blocks is not known, or where nothing
    was seen at all; with care where any other is not met or not known; ready where all are met.
    """
    blocking: list[State] = []
    careful: list[State] = []
    for item in needs:
        (blocking if item.need.without == "blocked" else careful).append(item.state)
    if State.NOT_MET in blocking:
        return Readiness.BLOCKED
    if State.UNKNOWN in blocking or not (blocking or careful):
        return Readiness.UNKNOWN
    if not blocking and State.MET not in careful:
        # Nothing at all was seen of it: that is not care, that is ignorance.
        return Readiness.CARE if State.NOT_MET in careful else Readiness.UNKNOWN
    return Readiness.READY if set(careful) <= {State.MET} else Readiness.CARE


def candidates(
    package: Package, runtimes: Iterable[str], place: Place, criteria: Criteria, *, at: Site | None = None
) -> tuple[Candidate, ...]:
    """Hold a package against every runtime, in the given order.

    Parameters
    ----------
    package : Package
        With its needs.
    runtimes : iterable of str
        Their ids.
    place : Place
        Where the evidence is from.
    criteria : Criteria
        Which probe a criterion asks, and what the package's use case forbids.
    at : Site, optional
        The site that is asked about, where it is another than that of the evidence: its policy holds, the
        evidence's own site's does not.
    """
    use_case = criteria.use_cases.get(package.use_case)
    found = {(finding.runtime, finding.probe): finding for finding in place.findings}
    result = []
    for runtime in runtimes:
        by_criterion = {
            name: finding
            for name, row in criteria.criteria.items()
            if (finding := found.get((runtime, row.probe)))
        }
        needs = tuple(_met(need, runtime, by_criterion, place.images) for need in package.needs)
        reasons = (
            knock_outs(runtime, family_of(runtime, place.families), by_criterion, at or place.site, use_case)
            if use_case
            else ()
        )
        result.append(
            Candidate(
                package=package,
                runtime=runtime,
                readiness=_with_questions(readiness(needs), package),
                needs=needs,
                barred=tuple(str(reason) for reason in reasons),
            )
        )
    return tuple(result)


def _with_questions(found: Readiness, package: Package) -> Readiness:
    return Readiness.CARE if found is Readiness.READY and package.questions else found


def _met(need: Need, runtime: str, findings: Mapping[str, Finding], images: Sequence[ImageFacts]) -> Met:
    if need.image:
        return _brought(need, runtime, images)
    finding = findings.get(need.criterion or "")
    if finding is None:
        return Met(need=need, state=State.UNKNOWN, seen="nobody has asked")
    state = _STATES.get(finding.outcome, State.UNKNOWN)
    unblock = finding.texts.remedy if state is State.NOT_MET else ""
    if state is State.UNKNOWN:
        unblock = "measure it: make report PROFILE=full IMAGES='xs small med'"
    return Met(need=need, state=state, seen=finding.message, unblock=unblock, finding=finding)


def _brought(need: Need, runtime: str, images: Sequence[ImageFacts]) -> Met:
    forms = [
        form
        for image in images
        if image.name == need.image
        for form in image.forms
        if form.runtime == runtime
    ]
    if not forms:
        seen = f"the image {need.image} was not brought into this runtime's form"
        unblock = f"build it and measure: make report IMAGES='xs small med {need.image}'"
        return Met(need=need, state=State.UNKNOWN, seen=seen, unblock=unblock)
    form = forms[0]
    if form.problem:
        unblock = "make room for it, or take a smaller image"
        return Met(need=need, state=State.NOT_MET, seen=form.problem, unblock=unblock)
    return Met(need=need, state=State.MET, seen=f"the image {need.image} was brought into its form")


def in_order(found: Iterable[Candidate], order: Sequence[str]) -> tuple[Candidate, ...]:
    """Put those that are permitted and usable first to last: the readier, then as the use case ranks them."""
    places = {runtime: place for place, runtime in enumerate(order)}
    usable = [item for item in found if item.readiness.usable and not item.barred]
    return tuple(
        sorted(usable, key=lambda item: (-item.readiness.usable, places.get(item.runtime, len(places))))
    )
