"""The reference run as if three sites had measured it, with eight runtimes and sixty probes.

What was really printed compresses, and repeats itself, in ways that made-up text does not. Hashes and
numbers differ from site to site, as they would; nothing of this was measured anywhere.
"""

from __future__ import annotations

import hashlib
import random
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.findings import findings_of
from evaluation.decide.prosandcons import pros_and_cons
from evaluation.decide.score import decide
from evaluation.decide.supply import load_advisories
from evaluation.model import CONTROL_AGAIN, Evidence, Finding, Observation
from evaluation.report.source import Case, SiteCase
from evaluation.sites import Site, load_site
from evaluation.store import Manifest, Run

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ("host", "apptainer", "apptainer-sandbox", "charliecloud", "docker", "podman", "vm")
"""Seven that were measured, with the copy, and one (``vm``) that keeps its row as absent."""
COPIES: Final = {"podman-keep-id": "podman"}
"""A mode that the reference run lacks: it did what another one did, in numbers of its own."""
_NUMBER: Final = re.compile(r"\d{3,}")


def multiplied_case(folder: Path, *, measured: int = 3, probes: int = 60) -> Case:
    """Make the case; ``folder`` is for a copy of the run, whose findings are written beside it."""
    (reference,) = (ROOT / "results" / "reference").glob("*-quick")
    run = Run(Path(shutil.copytree(reference, folder / "reference" / reference.name)))
    rules = load_criteria(ROOT / "criteria.yaml")
    found = findings_of(run, rules)
    local = load_site("local", ROOT / "sites")
    known = [local.model_copy(update={"id": f"site-{n}", "title": f"Site {n}"}) for n in range(measured)]
    kept = _kept(found, probes)
    return Case(
        criteria=rules,
        sites={site.id: site for site in known},
        measured=tuple(_Site(site, number, run, kept, rules).case() for number, site in enumerate(known)),
        criteria_text=(ROOT / "criteria.yaml").read_text(encoding="utf-8"),
        advisories=load_advisories(ROOT / "advisories.yaml"),
    )


def _kept(found: Sequence[Finding], probes: int) -> tuple[Finding, ...]:
    """Keep the probes that started most processes: the largest report that so many can make."""
    started = {finding.probe: 0 for finding in found}
    for finding in found:
        started[finding.probe] += min(len(finding.evidence), 6) + len(finding.samples)
    heaviest = sorted(started, key=lambda probe: -started[probe])[:probes]
    kept = [f for f in found if f.probe in heaviest and f.runtime in {*KEPT, CONTROL_AGAIN}]
    copies = [replace(f, runtime=copy) for copy, of in COPIES.items() for f in kept if f.runtime == of]
    return (*kept, *copies)


class _Site:
    """One site's part, in numbers of its own."""

    def __init__(self, site: Site, number: int, run: Run, found: Sequence[Finding], rules: Criteria) -> None:
        self.site, self.run, self.rules, self.found = site, run, rules, found
        self.number = number
        self.random = random.Random(number)  # noqa: S311 - no secret
        self.evidence: dict[str, Evidence] = {}
        self.outputs: dict[str, bytes] = {}
        self.sources = run.evidence(), run.outputs()

    def case(self) -> SiteCase:
        findings = tuple(self._finding(finding) for finding in self.found)
        decision = decide(findings, self.rules, self.site)
        manifest = self._manifest()
        return SiteCase(
            manifest=manifest,
            folder=f"{self.site.id}/{manifest.run}",
            finished_at=self.run.finished_at,
            findings=findings,
            evidence=self.evidence,
            outputs=self.outputs,
            decision=decision,
            points=pros_and_cons(self.rules, decision),
            recorded=self._recorded(),
        )

    def _manifest(self) -> Manifest:
        manifest = self.run.manifest
        facts = {runtime.id: runtime for runtime in manifest.runtimes}
        copies = [facts[of].model_copy(update={"id": copy}) for copy, of in COPIES.items()]
        runtimes = (*(facts[name] for name in KEPT), *copies)
        return manifest.model_copy(update={"site": self.site.id, "runtimes": runtimes, "label": ""})

    def _recorded(self) -> dict[tuple[str, str], tuple[Observation, ...]]:
        found: dict[tuple[str, str], list[Observation]] = {}
        of = {**{name: [name] for name in KEPT}}
        for copy, name in COPIES.items():
            of[name].append(copy)
        for item in self.run.observations():
            for runtime in of.get(item.runtime, ()):
                found.setdefault((item.probe, runtime), []).append(replace(item, runtime=runtime))
        attempts = {finding.probe for finding in self.found if finding.texts.checklist_id}
        return {cell: tuple(items) for cell, items in found.items() if cell[0] in attempts}

    def _finding(self, finding: Finding) -> Finding:
        other = f"{self.number} {finding.runtime if finding.runtime in COPIES else ''}"
        factor = self.random.uniform(0.8, 1.25)
        return replace(
            finding,
            site=self.site.id,
            samples=tuple(value * factor * self.random.uniform(0.95, 1.05) for value in finding.samples),
            control=tuple(value * factor for value in finding.control),
            evidence=tuple(self._process(identifier, other) for identifier in finding.evidence),
        )

    def _process(self, identifier: str, other: str) -> str:
        new = hashlib.sha256(f"{identifier} {other}".encode()).hexdigest()
        if new in self.evidence:
            return new
        evidence, outputs = self.sources
        old = evidence[identifier]
        printed = []
        for digest in (old.stdout, old.stderr):
            content = self._renumbered(outputs[digest].decode(errors="replace")).encode()
            printed.append((hashlib.sha256(content).hexdigest(), len(content)))
            self.outputs[printed[-1][0]] = content
        self.evidence[new] = replace(
            old,
            id=new,
            argv=tuple(self._renumbered(word) for word in old.argv),
            duration_s=old.duration_s * self.random.uniform(0.8, 1.25),
            stdout=printed[0][0],
            stdout_bytes=printed[0][1],
            stderr=printed[1][0],
            stderr_bytes=printed[1][1],
        )
        return new

    def _renumbered(self, text: str) -> str:
        """Give every longer number other digits, the same ones wherever it stands at this site."""
        return _NUMBER.sub(lambda found: self._other(found[0]), text)

    def _other(self, number: str) -> str:
        drawn = int(hashlib.sha256(f"{self.number} {number}".encode()).hexdigest(), 16)
        return str(drawn)[: len(number)]
