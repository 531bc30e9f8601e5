"""Tables for whoever runs a notebook: what this machine is, and what was found a minute ago."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import findings_of
from evaluation.model import CONTROL_AGAIN, Finding
from evaluation.store import Manifest, Run
from evaluation.units import quantity, ratio, ratio_between, short_digest

__all__ = ["findings", "forms", "runtimes"]


def runtimes(manifest: Manifest) -> pd.DataFrame:
    """One row per runtime: whether it is here, in which version and mode, and why not."""
    rows = [
        {
            "runtime": facts.id,
            "here": "yes" if facts.present else "no",
            "version": facts.version,
            "mode": facts.mode,
            "reason": facts.reason or facts.adaptation,
        }
        for facts in manifest.runtimes
    ]
    return pd.DataFrame(rows).set_index("runtime")


def forms(manifest: Manifest) -> pd.DataFrame:
    """One row per form of the image, with the digest of its files as they are seen from inside."""
    made = manifest.image.forms if manifest.image else ()
    rows = [
        {
            "runtime": form.runtime,
            "form": form.form,
            "size": quantity(form.size_bytes, "B") if form.size_bytes is not None else "not told",
            "made in": quantity(form.convert_s, "s"),
            "content digest": short_digest(form.digest),
        }
        for form in made
    ]
    return pd.DataFrame(rows, columns=["runtime", "form", "size", "made in", "content digest"]).set_index(
        "runtime"
    )


def findings(run: Run, criteria: Path, group: str) -> pd.DataFrame:
    """Probes by runtimes: the value with its ratio to the bare host, or the outcome in a word."""
    cells = {
        (finding.texts.checklist_id or finding.probe, finding.runtime): _cell(finding)
        for finding in findings_of(run, load_criteria(criteria))
        if finding.texts.group == group and finding.runtime != CONTROL_AGAIN
    }
    table = pd.Series(cells, dtype=object).unstack(fill_value="")  # noqa: PD010 - two keys into two axes
    return table.rename_axis(index="probe", columns="runtime")


def _cell(finding: Finding) -> str:
    if finding.value is None:
        return (finding.verdict or finding.outcome).lower()
    text = quantity(finding.value.estimate, finding.texts.unit)
    if finding.ratio is None:
        return text
    return f"{text} ({ratio(finding.ratio.estimate)} the host, {ratio_between(finding.ratio)})"
