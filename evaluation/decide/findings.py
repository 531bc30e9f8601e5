"""From a run on disk to its findings: what ``make report`` does again after every change."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from evaluation.decide.assess import assess
from evaluation.decide.batchcontract import control_groups
from evaluation.decide.checklist import Arm, Checklist, Tried, known_checklists, published, word
from evaluation.decide.criteria import Criteria
from evaluation.model import CONTROL, QUICK, Finding, Observation, Outcome, Role
from evaluation.probes.registry import discover, group_of
from evaluation.probes.roles import takes_part
from evaluation.store import Run, RuntimeFacts

__all__ = ["checklist_of", "findings_of", "judged"]


def findings_of(run: Run, criteria: Criteria, *, only_published: bool = True) -> tuple[Finding, ...]:
    """Assess a run. Nothing is written: whoever asks gets the findings of these criteria, and no others.

    Attempts of the security checklist that no calibration has seen flipped come out as INERT, unless
    ``only_published`` is false.
    """
    findings = judged(run, criteria)
    if only_published:
        return tuple(published(findings, known_checklists(run.path.parent)))
    return findings


def judged(run: Run, criteria: Criteria) -> tuple[Finding, ...]:
    """Assess a run, attempts that are not published among its findings."""
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
    return assess(
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
        apart={facts.id for facts in manifest.runtimes if facts.role is Role.BESIDE or not facts.timed},
        control_groups=control_groups(manifest),
    )


def checklist_of(run: Run, criteria: Criteria) -> Checklist:
    """Judge a calibration of the security checklist, and write the document beside it where permitted.

    Each turn is judged by itself, as in a run that holds nothing but this arm and the bare host.
    """
    run.verify()
    manifest = run.manifest
    probes = {probe.id: probe for probe in discover().values() if probe.checklist_id}
    cells: dict[tuple[str, str, int], list[Observation]] = {}
    for item in run.observations():
        cells.setdefault((item.probe, item.runtime, item.block), []).append(item)
    verdicts: dict[str, dict[str, list[str]]] = {id_: {} for id_ in probes}
    reasons: dict[str, dict[str, str]] = {id_: {} for id_ in probes}
    for (id_, arm, block), items in sorted(cells.items(), key=lambda cell: cell[0][2]):
        if id_ not in probes:
            continue
        host = [] if arm == CONTROL else cells.get((id_, CONTROL, block), [])
        found = assess(
            [*items, *host],
            site=manifest.site,
            run=manifest.run,
            absent={},
            image_digests={name: facts.digest for name, facts in manifest.images.items()},
            probes={id_: (group_of(id_), probes[id_])},
            criteria=criteria,
        )
        finding = next(finding for finding in found if finding.runtime == arm)
        verdicts[id_].setdefault(arm, []).append(word(finding))
        if finding.outcome not in {Outcome.HOLDS, Outcome.FAILS} and block == 0:
            reasons[id_][arm] = finding.message
    of = {facts.id: facts.knob.of for facts in manifest.runtimes if facts.knob}
    checklist = Checklist(
        site=manifest.site,
        run=manifest.run,
        tool_version=manifest.tool_version,
        started_at=manifest.started_at,
        system=manifest.host.system,
        kernel=manifest.host.kernel,
        arms=tuple(_arm(facts) for facts in manifest.runtimes if facts.present or facts.knob),
        attempts=tuple(
            Tried(
                probe=id_,
                version=probe.version,
                checklist_id=probe.checklist_id,
                question=probe.question,
                verdicts={arm: tuple(words) for arm, words in verdicts[id_].items()},
                reasons=_said_once(reasons[id_], of),
            )
            for id_, probe in sorted(probes.items(), key=lambda item: item[1].checklist_id)
            if verdicts[id_]
        ),
    )
    with suppress(OSError):
        checklist.write(run.path)
    return checklist


def _said_once(reasons: Mapping[str, str], of: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is said of a runtime with one flag more where it is said of the runtime already."""
    return {arm: reason for arm, reason in reasons.items() if reason != reasons.get(of.get(arm, ""))}


def _arm(facts: RuntimeFacts) -> Arm:
    knob = facts.knob
    return Arm(
        id=facts.id,
        family=facts.family,
        version=facts.version,
        mode="" if knob else facts.mode,
        of=knob.of if knob else "",
        options=knob.options if knob else (),
        effect=knob.effect if knob else None,
        expected=knob.expected if knob else "",
        absent=facts.reason,
    )
