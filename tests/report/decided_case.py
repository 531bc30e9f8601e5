"""A made-up case that is really decided, by the project's own criteria. Nothing was measured anywhere."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from synthetic_case import FINISHED, manifest, sites
from synthetic_findings import ABSENT, RUNTIMES, WHY_ABSENT, Findings

from evaluation.decide.criteria import Criteria, LossCriterion, MeasuredCriterion, Scale, load_criteria
from evaluation.decide.prosandcons import pros_and_cons
from evaluation.decide.score import decide
from evaluation.model import CONTROL, Interval, Outcome, ProbeTexts
from evaluation.report.source import Case, SiteCase
from evaluation.sites import Batch, Site

CRITERIA: Final = Path(__file__).parents[2] / "criteria.yaml"
HOST: Final = {
    "cold_start": (1.0, "s"),
    "import_storm": (0.1, "s"),
    "metadata_rate": (1e5, "files/s"),
    "open_rate": (2e3, "ns"),
    "syscall_rate": (165.0, "ns"),
    "cpu_rate": (4e8, "1/s"),
    "memory_bandwidth": (2e10, "B/s"),
}
"""What the bare host takes for what prices a unit of work, or how much of it a second, with the unit."""
MANY: Final = (*RUNTIMES, "docker-rootless")
"""Eight, the bare host among them."""


@dataclass
class Invented(Findings):
    """A finding for every criterion, or for so many of them, those that have weight first.

    A runtime's place on each scale is drawn from its name and the criterion's: alike in every test.
    """

    rules: Criteria | None = None
    probes: int = 0
    place: int = 0
    unknown: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        assert self.rules is not None
        weighed = {name for use_case in self.rules.use_cases for name in self.rules.weights(use_case)}
        fed = {name for name, row in self.rules.criteria.items() if not isinstance(row, LossCriterion)}
        if fed != {*self.rules.criteria}:  # time lost is fed by what prices its parts
            weighed |= fed & HOST.keys()
        rest = [name for name in self.rules.criteria if name in fed - weighed]
        names = [*(weighed & fed), *rest][: self.probes or None]
        for name, criterion in ((name, self.rules.criteria[name]) for name in sorted(names)):
            texts = self._texts(
                criterion.question,
                criterion.group,
                "" if not isinstance(criterion, MeasuredCriterion) else self._unit(criterion),
                checklist_id=f"P{len(self.items) % 90:02d}" if criterion.group == "security" else "",
            )
            for runtime in self.runtimes:
                rng = np.random.default_rng(zlib.crc32(f"{runtime} {name} {self.place}".encode()))
                if runtime == ABSENT:
                    self._add(runtime, criterion.probe, texts, Outcome.UNAVAILABLE, WHY_ABSENT)
                elif (name, runtime) in self.unknown:
                    self._add(runtime, criterion.probe, texts, Outcome.ERROR, "The payload printed nothing.")
                elif isinstance(criterion, MeasuredCriterion):
                    self._invent(runtime, criterion, texts, rng)
                else:
                    outcome = Outcome.FAILS if rng.random() < 0.2 and runtime != CONTROL else Outcome.HOLDS
                    self._add(runtime, criterion.probe, texts, outcome, "What was seen, in one sentence.")

    @staticmethod
    def _unit(criterion: MeasuredCriterion) -> str:
        return HOST.get(criterion.probe, (1.0, "s"))[1] if criterion.figure == "ratio" else criterion.unit

    def _invent(
        self, runtime: str, criterion: MeasuredCriterion, texts: ProbeTexts, rng: np.random.Generator
    ) -> None:
        middle = _figure(criterion.scale, float(rng.uniform(0.5, 1.05)))
        scatter = np.exp(rng.normal(0, 0.08, self.blocks))
        control = np.exp(np.random.default_rng(1).normal(0, 0.02, self.blocks))
        is_ratio = criterion.figure == "ratio"
        if is_ratio:
            control = control * HOST.get(criterion.probe, (1.0, "s"))[0]
        own = (1.0 if is_ratio and runtime == CONTROL else middle) * scatter * (control if is_ratio else 1.0)
        value, ratio = float(np.median(own)), float(np.exp(np.median(np.log(own / control))))
        self._add(
            runtime,
            criterion.probe,
            texts,
            Outcome.MEASURED,
            f"Made up over {self.blocks} blocks.",
            samples=tuple(own.tolist()),
            control=tuple(control.tolist()),
            value=Interval(estimate=value, low=value * 0.97, high=value * 1.03),
            ratio=None
            if runtime == CONTROL
            else Interval(estimate=ratio, low=ratio * 0.97, high=ratio * 1.04),
        )


def _figure(scale: Scale, position: float) -> float:
    """Find the figure that stands at a position of a scale."""
    if scale.spacing == "log":
        return float(scale.worst * (scale.best / scale.worst) ** position)
    return scale.worst + (scale.best - scale.worst) * position


def decided_case(
    *,
    runtimes: Sequence[str] = RUNTIMES,
    measured: int = 1,
    probes: int = 0,
    blocks: int = 15,
    note: str = "",
    transcript: str = "",
    unknown: Sequence[tuple[str, str]] = (),
    criteria: Path = CRITERIA,
) -> Case:
    """Make a case of so many measured sites; ``unknown`` lists pairs of criterion and runtime."""
    rules = load_criteria(criteria)
    known = sites(note)
    names = ["local", *(f"site-{number}" for number in range(2, measured + 1))]
    for name in names[1:]:
        batch = Batch(engine="unknown", reason="Made up.")
        known[name] = Site(id=name, title=f"{name}{note}", status="measured-here", batch=batch)
    return Case(
        criteria=rules,
        sites=known,
        measured=tuple(
            _site(
                known[name],
                rules,
                Invented(
                    runtimes=runtimes,
                    blocks=blocks,
                    note=note,
                    transcript=transcript,
                    rules=rules,
                    probes=probes,
                    place=place,
                    unknown=unknown,
                ),
            )
            for place, name in enumerate(names)
        ),
        criteria_text=criteria.read_text(encoding="utf-8"),
    )


def _site(site: Site, rules: Criteria, invented: Invented) -> SiteCase:
    facts = manifest(invented.runtimes, invented.note).model_copy(update={"site": site.id})
    found = tuple(replace(finding, site=site.id) for finding in invented.items)
    decided = decide(found, rules, site)
    return SiteCase(
        manifest=facts,
        folder=f"{site.id}/{facts.run}",
        finished_at=FINISHED,
        findings=found,
        evidence=invented.processes,
        outputs=invented.blobs,
        decision=decided,
        points=pros_and_cons(rules, decided),
    )
