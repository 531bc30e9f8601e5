"""One probe's findings as text for a terminal: what was asked, tried and seen, on both sides."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from evaluation.model import Evidence, Finding
from evaluation.store import Run
from evaluation.units import between, quantity, ratio, ratio_between

__all__ = ["transcript"]

_MOST = 2000
"""Characters shown of one output; the whole is in the results."""


def transcript(findings: Sequence[Finding], run: Run, *, show: bool) -> str:
    """Write findings as text, with every command and what it printed when asked for."""
    lines = []
    if findings:
        texts = findings[0].texts
        lines = [f"{texts.checklist_id or findings[0].probe}: {texts.question}", f"  {texts.method}", ""]
    evidence, outputs = run.evidence(), run.outputs()
    for finding in findings:
        lines += [_said(finding)]
        if show:
            for id_ in finding.evidence:
                lines += [*_shown(evidence[id_], outputs), ""]
    return "\n".join(lines)


def _said(finding: Finding) -> str:
    word = finding.verdict or str(finding.outcome)
    text = f"{finding.runtime:<18} {word}  {finding.message}"
    if finding.value:
        text += f"  {quantity(finding.value.estimate, finding.texts.unit)}"
        text += f" ({between(finding.value, finding.texts.unit)})"
    if finding.ratio:
        text += f", {ratio(finding.ratio.estimate)} the host ({ratio_between(finding.ratio)})"
    if finding.comparison:
        text += f": {finding.comparison}"
    return text


def _shown(item: Evidence, outputs: dict[str, bytes]) -> Iterator[str]:
    yield f"    $ {shlex.join(item.argv)}"
    yield f"      exit status {item.exit_status}, {quantity(item.duration_s, 's')}, evidence {item.id[:12]}"
    for name, digest in (("stdout", item.stdout), ("stderr", item.stderr)):
        text = outputs.get(digest, b"").decode(errors="replace")
        for line in text[:_MOST].splitlines():
            # What a container prints is not to steer the reader's terminal.
            yield f"      {name}: {''.join(c if c.isprintable() else '?' for c in line)}"
