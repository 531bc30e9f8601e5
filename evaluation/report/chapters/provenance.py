"""What exactly was measured, with what, on what."""

from __future__ import annotations

from evaluation import units
from evaluation.report.markup import Chapter, chapter
from evaluation.report.source import Case, SiteCase

__all__ = ["provenance"]


def provenance(case: Case) -> Chapter:
    """Show the manifest of every run."""
    return chapter(
        "provenance", sites=tuple((site, case.title(site), _facts(site)) for site in case.measured)
    )


def _facts(site: SiteCase) -> tuple[tuple[str, str], ...]:
    """List the run and its host as names and texts with units."""
    run, host = site.manifest, site.manifest.host
    return (
        ("site", run.site),
        ("run", run.run),
        ("started", units.moment(run.started_at)),
        ("finished", units.moment(site.finished_at) if site.finished_at else "not finished"),
        ("steps that failed", "; ".join(f"{step}: {why}" for step, why in run.failed.items()) or "none"),
        ("profile", run.profile),
        ("seed", str(run.seed)),
        ("plan, SHA-256", run.plan),
        ("measured as", run.measured_as),
        ("environment", "; ".join(run.environment)),
        ("conditions", ". ".join(site.conditions) or ("none of its own" if run.checks else "")),
        ("not possible here", ". ".join(site.lost) or ("nothing was found" if run.checks else "")),
        ("tool version", run.tool_version),
        ("system", host.system),
        ("kernel", host.kernel),
        ("architecture", host.architecture),
        ("CPU", host.cpu),
        ("cores", str(host.cores)),
        ("memory", units.quantity(host.memory_bytes, "B")),
        ("control groups", host.cgroup),
        ("virtualisation", host.virtualisation),
        ("mitigations", host.mitigations),
        ("security module", host.lsm),
        ("left on the machine", _residue(site.residue)),
    )


def _residue(left: tuple[str, ...] | None) -> str:
    """Tell what the audit found: what appeared while it was measured, and stayed."""
    if left is None:
        return "nobody looked"
    return "; ".join(left) or "nothing"
