"""The catalogue page of all probes, written from the probes themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation.model import DEFAULT_IMAGE, Reference
from evaluation.probes.base import Probe

__all__ = ["render"]

_HEAD = """\
# The probes

One probe is one question, asked identically of every runtime and of the bare host. This page is written
from the probes: change the probe's file, then run `python -m evaluation.probes.catalogue > docs/probes.md`.
"""

_REPEAT = {
    "paired": "measured once in every randomised block, beside the bare host",
    "once": "asked again to see whether its answer changes, or known once and for all",
}


def render(groups: Mapping[str, Iterable[Probe]]) -> str:
    """Write the page.

    Parameters
    ----------
    groups : mapping of str to iterable of Probe
        The probes of each group, in the order in which they are to stand.

    Returns
    -------
    str
        Markdown, with a newline at its end.
    """
    parts = [_HEAD]
    for group, probes in groups.items():
        parts.append(f"## {group.capitalize()}\n")
        parts += [_section(probe) for probe in probes]
    return "\n".join(parts)


def _section(probe: Probe) -> str:
    title = f"`{probe.id}`" + (f" ({probe.checklist_id})" if probe.checklist_id else "")
    again = f"asked {probe.turns} times of what is ranked" + (
        "; one effect exposes" if probe.checklist_id else ", and judged by how often it held"
    )
    facts = [f"version {probe.version}", again if probe.turns > 1 else _REPEAT[probe.repeat]]
    if probe.unit:
        facts.insert(1, f"in {probe.unit}")
    if probe.image != DEFAULT_IMAGE:
        facts.append(f"in the image {probe.image}")
    if not probe.quick:
        facts.append("in the full profile only")
    if probe.needs:
        facts.append(f"needs {' and '.join(probe.needs)}")
    lines = [
        f"### {title}\n",
        f"**{probe.question}**\n",
        f"*{'; '.join(facts)}.*\n",
        f"Why it matters: {probe.why}\n",
        f"Method: {probe.method}\n",
        f"Remedy: {probe.remedy}\n",
    ]
    if probe.severity:
        lines.insert(4, f"Severity of an exposure: **{probe.severity}**. {probe.severity_reason}\n")
    if probe.references:
        lines.append(f"References: {'; '.join(map(_reference, probe.references))}.\n")
    return "\n".join(lines)


def _reference(reference: Reference) -> str:
    return f"[{reference.title}]({reference.url})" if reference.url else reference.title


def _main() -> None:
    from evaluation.probes.registry import GROUPS, discover, group_of  # noqa: PLC0415 - only when run as a program

    probes = discover().values()
    groups = {group: [probe for probe in probes if group_of(probe.id) == group] for group in GROUPS}
    print(render(groups), end="")  # noqa: T201 - the page is this program's output


if __name__ == "__main__":
    _main()
