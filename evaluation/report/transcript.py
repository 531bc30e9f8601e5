"""One probe's findings as text for a terminal: what was asked, tried and seen, on both sides."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from evaluation.model import CONTROL, Evidence, Finding, Observation, ProbeTexts
from evaluation.report.sides import in_runtime, seen
from evaluation.statistics import MINIMUM_BLOCKS
from evaluation.store import Run
from evaluation.units import between, quantity, ratio, ratio_between

__all__ = ["transcript"]

_MOST: Final = 2000
"""Characters shown of one output; the whole is in the results."""
_WIDTH: Final = 100


def transcript(findings: Sequence[Finding], run: Run, *, show: bool) -> str:
    """Write findings as text, the bare host's own among them; with both sides of each when asked for.

    For an attempt of the checklist these are the runtime's client with what the program inside printed,
    and what the verifier recorded and started on the host.
    """
    if not findings:
        return ""
    texts = findings[0].texts
    lines = [*_asked(findings[0].probe, texts), ""]
    evidence, outputs = run.evidence(), run.outputs()
    recorded = _recorded(run, findings[0].probe) if texts.checklist_id and show else {}
    commands = {facts.id: facts.command for facts in run.manifest.runtimes}
    for finding in findings:
        lines += [_said(finding)]
        if not show:
            continue
        processes = [evidence[identifier] for identifier in finding.evidence]
        if texts.checklist_id:
            observed = recorded.get(finding.runtime, [])
            lines += _sides(finding, processes, observed, outputs, commands.get(finding.runtime, ""))
        else:
            for process in processes:
                lines += [*_shown(process, outputs), ""]
    return "\n".join(lines)


def _asked(probe: str, texts: ProbeTexts) -> Iterator[str]:
    name = f"{texts.checklist_id} {probe}" if texts.checklist_id else probe
    yield f"{name}: {texts.question}"
    yield from _wrapped(texts.method, "  ")
    if texts.severity:
        yield from _wrapped(f"Severity of an exposure: {texts.severity}. {texts.severity_reason}", "  ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(_plain(text), _WIDTH, initial_indent=indent, subsequent_indent=indent)


def _plain(text: str) -> str:
    """Make a text harmless: what a container prints is not to steer the reader's terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _said(finding: Finding) -> str:
    word = finding.verdict or str(finding.outcome)
    if finding.delta:
        word += f" ({finding.delta})"
    elif finding.texts.checklist_id and finding.runtime == CONTROL:
        word += " (the control)"
    text = f"{finding.runtime:<18} {word}  {_plain(finding.message)}"
    if finding.value:
        text += f"  {quantity(finding.value.estimate, finding.texts.unit)}"
        text += f" ({between(finding.value, finding.texts.unit)})"
    elif finding.samples:
        text += f"  {', '.join(quantity(value, finding.texts.unit) for value in finding.samples)}"
        if finding.control and finding.runtime != CONTROL and min(finding.control) > 0:
            pairs = zip(finding.samples, finding.control, strict=True)
            text += f", {', '.join(ratio(own / host) for own, host in pairs)} the host"
        text += f" (an interval takes at least {MINIMUM_BLOCKS} blocks)"
    if finding.ratio:
        text += f", {ratio(finding.ratio.estimate)} the host ({ratio_between(finding.ratio)})"
    if finding.comparison:
        text += f": {finding.comparison}"
    return text


def _recorded(run: Run, probe: str) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for item in run.observations():
        if item.probe == probe:
            found.setdefault(item.runtime, []).append(item)
    return found


def _sides(
    finding: Finding,
    processes: Iterable[Evidence],
    observed: Iterable[Observation],
    outputs: Mapping[str, bytes],
    command: str,
) -> Iterator[str]:
    inside: list[Evidence] = []
    on_host: list[Evidence] = []
    for process in processes:
        (inside if in_runtime(process, command) else on_host).append(process)
    if inside:
        yield f"  inside {finding.runtime}"
        for process in inside:
            yield from _shown(process, outputs)
    if finding.runtime == CONTROL:
        yield "  as a plain job, and seen by the verifier"
    else:
        yield "  on the host, by the verifier"
    for line in seen(observed, told=finding.message):
        yield f"    {_plain(line)}"
    for process in on_host:
        yield from _shown(process, outputs)
    yield ""


def _shown(item: Evidence, outputs: Mapping[str, bytes]) -> Iterator[str]:
    yield f"    $ {_plain(shlex.join(item.argv))}"
    for name, digest, size in (
        ("stdout", item.stdout, item.stdout_bytes),
        ("stderr", item.stderr, item.stderr_bytes),
    ):
        text = outputs.get(digest, b"").decode(errors="replace")
        for line in text[:_MOST].splitlines():
            yield f"      {name}: {_plain(line)}"
        if len(text) > _MOST:
            yield f"      {name}: ... the first {_MOST} characters of {size} bytes, SHA-256 {digest}"
    for survivor in item.survivors:
        yield f"      left behind: {_plain(survivor)}"
    yield f"      exit status {item.exit_status}, {quantity(item.duration_s, 's')}, evidence {item.id[:12]}"
