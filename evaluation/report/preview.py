"""Tables for whoever runs a notebook: what this machine is, and what was found a minute ago."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.decide.calibration import MOST_BLOCKS, SiteCalibration, calibrate
from evaluation.decide.checklist import Checklist, Tried
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import findings_of
from evaluation.decide.sweeps import read_sweep
from evaluation.model import CONTROL, CONTROL_AGAIN, Finding, Role
from evaluation.report.crowding import left_behind, verdict
from evaluation.report.spreading import spread
from evaluation.store import Manifest, Run
from evaluation.units import count, decimal, percent, quantity, ratio, ratio_between, short_digest

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "across_text",
    "calibration_text",
    "checklist_text",
    "findings",
    "forms",
    "runtimes",
    "sweep_text",
    "swept",
]


def runtimes(manifest: Manifest) -> pd.DataFrame:
    """One row per runtime: whether it is here, in which version and mode, and why not."""
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    rows = [
        {
            "runtime": facts.id,
            "here": "yes" if facts.present else "no",
            "version": facts.version,
            "mode": facts.mode,
            "role": str(facts.role),
            "asked": "everything"
            if facts.timed
            else "what is asked once, and how it starts"
            if facts.role is Role.VARIANT
            else "what is asked once",
            "reason": facts.reason or facts.impairment or facts.adaptation,
        }
        for facts in manifest.runtimes
    ]
    return pd.DataFrame(rows).set_index("runtime")


def _made_in(convert_s: float | None) -> str:
    return "made by the site" if convert_s is None else quantity(convert_s, "s")


def forms(manifest: Manifest) -> pd.DataFrame:
    """One row per form of the image, with the digest of its files as they are seen from inside."""
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    made = manifest.image.forms if manifest.image else ()
    rows = [
        {
            "runtime": form.runtime,
            "form": form.form,
            "size": quantity(form.size_bytes, "B") if form.size_bytes is not None else "not told",
            "made in": f"made by {form.made_by}" if form.made_by else _made_in(form.convert_s),
            "content digest": short_digest(form.digest),
        }
        for form in made
    ]
    return pd.DataFrame(rows, columns=["runtime", "form", "size", "made in", "content digest"]).set_index(
        "runtime"
    )


def findings(run: Run, criteria: Path, group: str) -> pd.DataFrame:
    """Probes by runtimes: the value with its ratio to the bare host, or the outcome in a word."""
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    cells = {
        (finding.texts.checklist_id or finding.probe, finding.runtime): _cell(finding)
        for finding in findings_of(run, load_criteria(criteria))
        if finding.texts.group == group and finding.runtime != CONTROL_AGAIN
    }
    if not cells:
        return pd.DataFrame()
    table = pd.Series(cells, dtype=object).unstack(fill_value="")  # noqa: PD010 - two keys into two axes
    return table.rename_axis(index="probe", columns="runtime")


def calibration_text(run: Run, criteria: Path, *, comparisons: int) -> str:
    """What the bare host against itself tells, for a terminal; the report's chapter on method has more words.

    ``comparisons`` is how many a run with all runtimes of this machine would make.
    """
    rules = load_criteria(criteria)
    site = calibrate(findings_of(run, rules), rules, comparisons=comparisons)
    if not site.probes:
        return f"nothing could be measured twice; see {run.path}"
    doubt = "; more than chance explains: find out why before you trust any timing" if site.suspicious else ""
    return "\n".join(
        (
            _calibration(site).to_string(),
            "",
            f"The host differed from itself in {site.claimed} of {count(site.windows, 'piece')}{doubt}.",
            f"In {count(site.comparisons, 'comparison')} with runtimes that are like the host, a difference",
            f"would be claimed {percent(site.family_false_positives)} of the time (simulated).",
        )
    )


def checklist_text(checklist: Checklist) -> str:
    """What a calibration of the security checklist came to, for a terminal."""
    cells, turns = checklist.repeated()
    lines = [_attempts(checklist).to_string(max_colwidth=70), ""]
    silent = dict.fromkeys(arm.id for arm, _ in checklist.not_started())
    for arm, said in checklist.not_started():
        lines.append(f"did not start: {arm.id}: {said}")
    flipless = [arm.id for arm in checklist.knobs if not checklist.flipped_by(arm) and arm.id not in silent]
    unstable, faults = len(checklist.unstable()), len(checklist.null_faults())
    lines += [
        f"The null flipped {faults} of {count(checklist.null_cells, 'cell')}.",
        f"{count(cells, 'cell')} taken at least {turns} times: {unstable} with differing verdicts.",
        *textwrap.wrap(
            f"Flags that flip nothing: {', '.join(flipless) or 'none'}.", 100, break_on_hyphens=False
        ),
        *textwrap.wrap(
            f"Flags that did not start: {', '.join(silent) or 'none'}.", 100, break_on_hyphens=False
        ),
    ]
    return "\n".join(lines)


def _attempts(checklist: Checklist) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    families = list(dict.fromkeys(arm.of for arm in checklist.knobs))
    rows = [
        {"attempt": f"{tried.checklist_id} {tried.probe}", CONTROL: tried.first(CONTROL)}
        | {
            column: text
            for family in families
            for column, text in (
                (family, tried.first(family)),
                (f"{family} flipped by", _flips(checklist, tried, family)),
            )
        }
        | {
            "control": ", ".join(flip.arm for flip in checklist.controls(tried)),
            "published": "no" if checklist.unpublished(tried) else "yes",
        }
        for tried in checklist.attempts
    ]
    return pd.DataFrame(rows).set_index("attempt")


def _flips(checklist: Checklist, tried: Tried, family: str) -> str:
    return ", ".join(flip.arm.partition("+")[2] for flip in checklist.flips(tried, family))


def _calibration(site: SiteCalibration) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    rows = [
        {
            "probe": row.probe,
            "blocks": row.blocks,
            "host / itself": ratio_between(row.ratio),
            "noise floor %": decimal(row.floor * 100, 2),
            "false positives %": decimal(row.false_positives * 100, 2),
            "detectable %": "none" if row.detectable is None else decimal(row.detectable * 100, 2),
        }
        | {f"blocks for {percent(effect)}": blocks or f">{MOST_BLOCKS}" for effect, blocks in row.recommended}
        for row in site.probes
    ]
    return pd.DataFrame(rows).set_index("probe")


def _cell(finding: Finding) -> str:
    if finding.value is None:
        return (finding.verdict or finding.outcome).lower()
    text = quantity(finding.value.estimate, finding.texts.unit)
    if finding.ratio is None:
        return text
    return f"{text} ({ratio(finding.ratio.estimate)} the host, {ratio_between(finding.ratio)})"


def swept(run: Run | None) -> pd.DataFrame:
    """One row per runtime and width of a sweep: containers per second, seconds to the end, failures."""
    import pandas as pd  # noqa: PLC0415 - a third of a second, for which no other command has to wait

    if run is None:
        return pd.DataFrame()
    sweep = read_sweep(run)
    shares = {percent(share): share for share in (0.5, 0.95, 0.99)}
    rows = [
        {
            "what": probe,
            "runtime": runtime,
            "at once": cell.width,
            "per second": decimal(cell.throughput),
            **{
                name: "-" if (wait := cell.wait_s(share)) is None else quantity(wait, "s")
                for name, share in shares.items()
            },
            "failed": f"{cell.failed.total()} of {cell.launched}",
        }
        for probe in sweep.probes
        for runtime in sweep.runtimes
        for cell in sweep.cells(probe, runtime)
    ]
    keys = ["what", "runtime", "at once"]
    return pd.DataFrame(rows, columns=[*keys, "per second", *shares, "failed"]).set_index(keys)


def sweep_text(run: Run) -> str:
    """Say in a table and in sentences what a sweep found, for whoever has just run it."""
    sweep = read_sweep(run)
    said = [
        textwrap.fill(f"{runtime}: {' '.join(verdict(sweep, probe, runtime))}", 100, subsequent_indent="  ")
        for probe in sweep.probes
        for runtime in sweep.runtimes
    ]
    return "\n".join([swept(run).to_string(), "", *said, left_behind(sweep)])


def across_text(run: Run) -> str:
    """Say in a table what a sweep across nodes found, for whoever has just run it."""
    import pandas as pd  # noqa: PLC0415 - as in `swept`

    rows = [
        {
            "what": row.probe,
            "runtime": row.runtime,
            "at once": row.width,
            "on": row.on,
            "per second": decimal(row.throughput),
            "50 %": "-" if row.wait_s is None else quantity(row.wait_s, "s"),
            "failed": f"{row.failed.total()} of {row.launched}",
            "task handed over in": quantity(row.handed_over_s, "s"),
            "clocks": row.clocks,
        }
        for row in spread(read_sweep(run))
    ]
    return pd.DataFrame(rows).to_string(index=False)
