"""From a run on disk to its findings: what ``make report`` does again after every change."""

from __future__ import annotations

from evaluation.decide.assess import assess
from evaluation.decide.criteria import Criteria
from evaluation.model import QUICK, Finding
from evaluation.probes.registry import discover, group_of
from evaluation.probes.roles import takes_part
from evaluation.store import Run

__all__ = ["findings_of"]


def findings_of(run: Run, criteria: Criteria) -> tuple[Finding, ...]:
    """Assess a run, and write its findings beside it where that is permitted."""
    run.verify()
    manifest = run.manifest
    probes = discover()
    left_out = {
        probe.id: "left to the full profile: measure with PROFILE=full"
        for probe in probes.values()
        if manifest.profile in QUICK and not probe.quick
    }
    roles = {facts.id: facts.role for facts in manifest.runtimes}
    timed = {facts.id for facts in manifest.runtimes if facts.timed}
    findings = assess(
        run.observations(),
        site=manifest.site,
        run=manifest.run,
        absent={facts.id: facts.reason for facts in manifest.runtimes if not facts.present},
        image_digests={name: facts.digest for name, facts in manifest.images.items()},
        probes={probe.id: (group_of(probe.id), probe) for probe in probes.values()},
        criteria=criteria,
        unavailable={**left_out, **manifest.unavailable},
        present=[facts.id for facts in manifest.runtimes if facts.present],
        asked=lambda runtime, probe: takes_part(roles[runtime], probe, timed=runtime in timed),
    )
    try:
        run.write_findings(findings)
    except OSError:
        return findings  # a read-only copy of the results is as good to read from
    return findings
