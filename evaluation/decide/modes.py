"""Further ways to run a product, made comparable: its base with other options, or another set-up of it.

A product competes by its best permitted mode. A mode is timed for what an option can change, its start; for
the rest it takes the figures of its base, and says so. What a mode closes is worth what it is worth to those
who could be harmed:

- harm by the *user*, who starts containers and may leave out any option: the base's verdict holds;
- harm by the *image*, from which the user's own option protects: the mode's verdict holds, and what the base
  leaves open is closed by an option, not by default;
- what a *job* does without meaning harm, and everything else: the mode's verdict holds in full.

A set-up of the site's own, such as a daemon without root, is no option: nobody can leave it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from evaluation.decide.criteria import Criteria, OutcomeCriterion
from evaluation.manifest import Manifest, RuntimeFacts
from evaluation.model import Finding, Outcome, Role

__all__ = ["Mode", "completed", "modes_of"]

_OPEN = frozenset({Outcome.FAILS, Outcome.SOMETIMES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One mode and the runtime whose figures it takes where it has none of its own.

    ``options`` are those by which it differs; empty for a set-up of the site's own.
    """

    id: str
    base: str
    options: tuple[str, ...] = ()


def modes_of(manifest: Manifest) -> tuple[Mode, ...]:
    """Find the modes of a run that can be compared: present, sound, and with a base that was measured.

    A mode's base is the runtime whose form of the image it runs; of one that keeps images of its own it is
    the product itself.
    """
    made_by = {form.runtime: form.made_by for image in manifest.images.values() for form in image.forms}
    bases = {facts.id for facts in manifest.runtimes if facts.role is Role.ALTERNATIVE and facts.present}
    return tuple(
        Mode(
            id=facts.id,
            base=base,
            options=(*facts.engine_options, *facts.options) if made_by.get(facts.id) else (),
        )
        for facts in manifest.runtimes
        if _competes(facts) and (base := made_by.get(facts.id) or facts.family) in bases
    )


def _competes(facts: RuntimeFacts) -> bool:
    return facts.role is Role.VARIANT and facts.present and not facts.impairment


def completed(findings: Iterable[Finding], modes: Sequence[Mode], criteria: Criteria) -> tuple[Finding, ...]:
    """Give each mode what it takes from its base; all other findings stay as they are.

    Parameters
    ----------
    findings : iterable of Finding
        Of one run at one site, the modes' own among them.
    modes : sequence of Mode
        As `modes_of` finds them.
    criteria : Criteria
        For who would bring an effect about.

    Returns
    -------
    tuple of Finding
        What a mode takes is its own finding with ``taken_from``; what its option closed has ``closed_by``.
    """
    cells: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        cells.setdefault(finding.runtime, {})[finding.probe] = finding
    harm_by = {
        row.probe: row.harm_by for row in criteria.criteria.values() if isinstance(row, OutcomeCriterion)
    }
    for mode in modes:
        own, base = cells.get(mode.id, {}), cells.get(mode.base, {})
        cells[mode.id] = {
            probe: found
            for probe in {**base, **own}
            if (found := _of(mode, own.get(probe), base.get(probe), harm_by.get(probe)))
        }
    return tuple(finding for rows in cells.values() for finding in rows.values())


def _of(mode: Mode, own: Finding | None, base: Finding | None, harm_by: str | None) -> Finding | None:
    if base is None or not base.outcome.is_evidence:
        return own
    if base.outcome is Outcome.MEASURED and (own is None or not own.outcome.is_evidence):
        return _taken(mode, base)
    if own is None or not mode.options:
        return own
    if own.outcome is Outcome.HOLDS and base.outcome in _OPEN:
        if harm_by == "user":
            return _taken(mode, base)
        if harm_by == "image":
            return replace(own, closed_by=mode.options)
    return own


def _taken(mode: Mode, base: Finding) -> Finding:
    """The base's finding as the mode's; what was compared was compared of the base."""
    return replace(base, runtime=mode.id, taken_from=mode.base, comparison=None, comparisons=0)
