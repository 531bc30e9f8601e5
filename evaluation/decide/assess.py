"""From observations to findings: what each probe shows for each runtime at one site.

The only module of this wing that calls a probe (its pure ``judge``). Whatever goes wrong in one
probe on one runtime becomes an ``ERROR`` finding there; the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from evaluation.blocks import counted, pressed, set_aside
from evaluation.decide import batchcontract
from evaluation.decide.criteria import Criteria, MeasuredCriterion
from evaluation.decide.delta import against_host
from evaluation.decide.turns import ANSWERS, together
from evaluation.model import CONTROL, CONTROL_AGAIN, Finding, Interval, Observation, Outcome, ProbeTexts
from evaluation.probes.base import Judgement, Observations, Probe
from evaluation.statistics import Claim, compare, median_interval, noise_floor, paired_ratio, settle

__all__ = ["ERROR", "assess"]

ERROR = "error"
"""The name under which a session records that a probe broke; the value says how."""

RUNTIME_FAILURE = "runtime_failure"
"""The name under which a session records that the runtime itself failed to run a command."""

REFUSED = "refused"
"""The name under which a session records that the runtime cannot do what the probe asks, by design."""

Probes = Mapping[str, tuple[str, Probe]]
Arms = dict[str, Observations]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A finding whose comparison still waits for the other comparisons of the run."""

    finding: Finding
    claim: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The facts of the manifest that findings depend on."""

    site: str
    run: str
    absent: Mapping[str, str]
    image_digests: Mapping[str, str]
    unavailable: Mapping[str, str]
    asked: Callable[[str, Probe], bool]
    control_groups: Mapping[str, str]


def assess(
    observations: Iterable[Observation],
    *,
    site: str,
    run: str,
    absent: Mapping[str, str],
    image_digests: Mapping[str, str],
    probes: Probes,
    criteria: Criteria,
    unavailable: Mapping[str, str] | None = None,
    present: Iterable[str] = (),
    asked: Callable[[str, Probe], bool] = lambda _runtime, _probe: True,
    apart: Collection[str] = (),
    control_groups: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Say what the observations of one run at one site mean.

    Parameters
    ----------
    observations : iterable of Observation
        All that the run recorded, in any order.
    site, run : str
        As in the manifest.
    absent : mapping of str to str
        The runtimes that are not here, each with the reason in words.
    image_digests : mapping of str to str
        Content digest of each image of this run, by name; empty where none was used.
    probes : mapping of str to (str, Probe)
        By id: the group (``performance``, ``operations``, ``security``) and the probe.
    criteria : Criteria
        For the confidence, and for the direction and margin of each measured figure.
    unavailable : mapping of str to str, optional
        Probes that could not be run at all at this site, each with the reason in words.
    present : iterable of str, optional
        The runtimes that are here: each gets an ``UNAVAILABLE`` finding for such a probe.
    asked : callable, optional
        Whether a runtime is asked a question in this run; of what it is not asked it has no finding.
    apart : collection of str, optional
        Runtimes that are not ranked (modes, what is no container); their comparisons are a family of their
        own.
    control_groups : mapping of str to str, optional
        Per runtime, under which control groups it ran; verdicts of the batch contract carry it.

    Returns
    -------
    tuple of Finding
        By probe id, then the bare host, then the runtimes by id. For a measured probe there is also
        a finding for ``host-again``, whose ``ratio`` is the noise floor of the probe at this site.
        A runtime present in the run without any observation of a probe has no finding for it.

    Notes
    -----
    The differences of all runtimes and measured probes of the run are one family (Holm), the equivalences
    another: the chance of even one false "better" or "worse" in the report is one minus the confidence. What
    is not ranked makes no comparison of the others less sure.
    """
    facts = _Run(
        site=site,
        run=run,
        absent=absent,
        image_digests=image_digests,
        unavailable=unavailable or {},
        asked=asked,
        control_groups=control_groups or {},
    )
    here = tuple(present)
    every = tuple(observations)
    by_probe, aside, busy = _by_probe(counted(every)), set_aside(every), pressed(every)
    drafts: list[_Draft] = []
    for probe_id in sorted({*probes, *by_probe}):
        arms = by_probe.get(probe_id, {})
        if probe_id in probes:
            group, probe = probes[probe_id]
            found = _assess_probe(probe, probe.texts(group), arms, facts, criteria)
            drafts.extend(
                _tell_of(draft, len(aside.get(probe_id, ())), busy.get(probe_id, frozenset()))
                for draft in found
            )
            if reason := facts.unavailable.get(probe_id):
                drafts.extend(
                    _Draft(finding=_unavailable(runtime, probe, probe.texts(group), facts, reason))
                    for runtime in _ordered({*here} - {*arms})
                    if asked(runtime, probe)
                )
        else:
            drafts.extend(_unknown_probe(probe_id, arms, facts))
    return _settled(drafts, apart, confidence=criteria.method.confidence_level.value)


def _tell_of(draft: _Draft, aside: int, busy: Collection[int]) -> _Draft:
    """Say in a measured finding which of its blocks were taken while the machine was short of processors."""
    finding = draft.finding
    if finding.outcome is not Outcome.MEASURED:
        return draft
    told, taken = [finding.message], len(finding.blocks)
    if aside:
        blocks = "1 more block was" if aside == 1 else f"{aside} more blocks were"
        told.append(f"{blocks} set aside and repeated, the machine being short of processors")
    if under := len({*finding.blocks} & {*busy}):
        whole = f"all {taken}" if under == taken else f"{under} of {taken}"
        told.append(f"{whole} blocks were taken while the machine was short of processors")
    return replace(draft, finding=replace(finding, message="; ".join(told), pressed=under))


def _by_probe(observations: Iterable[Observation]) -> dict[str, Arms]:
    items: dict[str, dict[str, list[Observation]]] = {}
    for item in observations:
        items.setdefault(item.probe, {}).setdefault(item.runtime, []).append(item)
    return {
        probe: {arm: Observations(tuple(taken)) for arm, taken in arms.items()}
        for probe, arms in items.items()
    }


def _ordered(arms: Iterable[str]) -> list[str]:
    """Return the bare host, the bare host again, then the runtimes by id."""
    return sorted(arms, key=lambda arm: (arm != CONTROL, arm != CONTROL_AGAIN, arm))


def _unknown_probe(probe_id: str, arms: Arms, facts: _Run) -> Iterator[_Draft]:
    texts = ProbeTexts(question=probe_id, why="", method="", remedy="", group="unknown")
    for arm in _ordered(arms):
        version = arms[arm].items[0].probe_version
        message = f"these results hold a probe {probe_id} that this version does not know"
        blank = _blank(arm, probe_id, version, texts, facts)
        yield _Draft(finding=_broken(blank, message))


def _assess_probe(
    probe: Probe, texts: ProbeTexts, arms: Arms, facts: _Run, criteria: Criteria
) -> Iterator[_Draft]:
    confidence = criteria.method.confidence_level.value
    judged = {
        arm: _judged(probe, texts, arm, arms, facts, confidence=confidence)
        for arm in _ordered({*arms} - {*facts.absent})
    }
    hosts = tuple(judged[arm][0] for arm in (CONTROL, CONTROL_AGAIN) if arm in judged)
    control = judged[CONTROL][1] if CONTROL in judged else {}
    again = judged[CONTROL_AGAIN][1] if CONTROL_AGAIN in judged else {}
    floor = _noise_floor(control, again, confidence=confidence)
    for arm, (finding, samples) in judged.items():
        if finding.outcome is Outcome.MEASURED:
            measured = _measured(finding, samples, control, confidence=confidence)
            claim = None if probe.checks else _claim(measured, floor, criteria)
            yield _Draft(finding=measured, claim=claim)
        elif arm != CONTROL_AGAIN:
            told = _under_groups(finding, facts.control_groups.get(arm, ""))
            yield _Draft(finding=replace(told, delta=against_host(finding, hosts)))
    for runtime in sorted(facts.absent):
        if not facts.asked(runtime, probe):
            continue
        yield _Draft(finding=_unavailable(runtime, probe, texts, facts, facts.absent[runtime]))


def _judged(
    probe: Probe, texts: ProbeTexts, arm: str, arms: Arms, facts: _Run, *, confidence: float
) -> tuple[Finding, Mapping[int, float]]:
    """Ask the probe about one arm; whatever breaks becomes an ``ERROR``."""
    own = arms[arm]
    others = {other: taken for other, taken in arms.items() if other != arm}
    blank = _from_observations(_blank(arm, probe.id, probe.version, texts, facts), own)
    if refusals := [str(item.value) for item in own.items if item.name == REFUSED]:
        return replace(blank, outcome=Outcome.UNSUPPORTED, message=refusals[-1]), {}
    if unlike := _unlike(own, arms.get(CONTROL, Observations()), probe, facts):
        return _broken(blank, unlike), {}
    turns: tuple[Judgement, ...] = ()
    try:
        if probe.turns > 1 and not probe.checklist_id:
            turns = _turn_by_turn(probe, own, others)
        judgement = together(turns, confidence=confidence) if turns else probe.judge(own, others)
        samples = _samples(judgement)
    except Exception as error:  # noqa: BLE001 - a broken probe must not take the others with it
        message = _recorded_error(own) or f"the probe could not judge: {type(error).__name__}: {error}"
        return _broken(blank, message), {}
    broke = "" if turns else _recorded_error(own)
    if broke and judgement.outcome is not Outcome.FAILS:  # what was once seen to fail has failed
        return _broken(blank, broke), {}
    finding = replace(
        blank,
        outcome=judgement.outcome,
        message=judgement.message,
        verdict=judgement.verdict,
        held=sum(turn.outcome is Outcome.HOLDS for turn in turns),
        turns=sum(turn.outcome in ANSWERS for turn in turns),
        work=tuple(sorted((judgement.work or {}).items())),
    )
    return finding, samples


def _under_groups(finding: Finding, groups: str) -> Finding:
    """Have a verdict of the batch contract say under which control groups it was seen."""
    if not (groups and finding.outcome.is_evidence and batchcontract.belongs(finding.texts)):
        return finding
    message = f"{finding.message}; control groups {groups}"
    return replace(finding, message=message, control_groups=groups)


def _turn_by_turn(
    probe: Probe, own: Observations, others: Mapping[str, Observations]
) -> tuple[Judgement, ...]:
    """Judge each turn by itself, the other arms' same turn beside it; nothing where there was but one."""
    blocks = sorted({item.block for item in own.items})
    if len(blocks) < 2:
        return ()
    return tuple(_turn(probe, block, own, others) for block in blocks)


def _turn(probe: Probe, block: int, own: Observations, others: Mapping[str, Observations]) -> Judgement:
    taken = _of(block, own) or own
    if broke := _recorded_error(taken):
        return Judgement(outcome=Outcome.ERROR, message=broke)
    return probe.judge(taken, {arm: _of(block, found) or found for arm, found in others.items()})


def _of(block: int, found: Observations) -> Observations | None:
    items = tuple(item for item in found.items if item.block == block)
    return Observations(items) if items else None


def _samples(judgement: Judgement) -> Mapping[int, float]:
    if judgement.outcome is not Outcome.MEASURED:
        return {}
    if not judgement.samples:
        message = "measured, but without a single sample"
        raise ValueError(message)
    return judgement.samples


def _recorded_error(own: Observations) -> str:
    errors = [str(item.value) for item in own.items if item.name == ERROR]
    if not errors:
        return ""
    if failures := [str(item.value) for item in own.items if item.name == RUNTIME_FAILURE]:
        errors.append(f"the runtime failed: {failures[-1]}")
    blocks = len({item.block for item in own.items})
    broken = len({item.block for item in own.items if item.name == ERROR})
    return errors[-1] if blocks == 1 else f"{errors[-1]} (in {broken} of {blocks} blocks)"


def _unlike(own: Observations, host: Observations, probe: Probe, facts: _Run) -> str:
    """Law 3: say why these observations cannot be joined, or nothing where they can."""
    items = (*own.items, *host.items)
    versions = sorted({item.probe_version for item in items} - {probe.version})
    if versions:
        recorded = ", ".join(str(version) for version in versions)
        return (
            f"recorded by version {recorded} of the probe, judged by version {probe.version}: measure again"
        )
    digests = {item.image_digest for item in items if item.image_digest}
    if declared := facts.image_digests.get(probe.image):
        digests.add(declared)
    if len(digests) > 1:
        return f"observed in different images ({', '.join(sorted(digests))}): not comparable, measure again"
    units: dict[str, set[str]] = {}
    for item in items:
        units.setdefault(item.name, set()).add(item.unit)
    for name, found in units.items():
        if len(found) > 1:
            return f"{name} was recorded in different units ({', '.join(sorted(found))}): not comparable"
    return ""


def _noise_floor(
    control: Mapping[int, float], again: Mapping[int, float], *, confidence: float
) -> Interval | None:
    blocks = sorted(control.keys() & again.keys())
    host, host_again = [control[block] for block in blocks], [again[block] for block in blocks]
    if not blocks or min(*host, *host_again) <= 0:
        return None
    return noise_floor(host, host_again, confidence=confidence)


def _measured(
    finding: Finding, samples: Mapping[int, float], control: Mapping[int, float], *, confidence: float
) -> Finding:
    """Pair the samples with the control block by block, and estimate.

    Where the bare host has no such figure at all, the samples stand alone without a ratio.
    """
    blocks = tuple(sorted(samples.keys() & control.keys() if control else samples.keys()))
    if not blocks:
        return _broken(finding, "no block in which the bare host was measured too")
    ours = tuple(samples[block] for block in blocks)
    theirs = tuple(control[block] for block in blocks) if control else ()
    has_ratio = bool(theirs) and finding.runtime != CONTROL and min(*ours, *theirs) > 0
    return replace(
        finding,
        blocks=blocks,
        samples=ours,
        control=theirs,
        value=median_interval(ours, confidence=confidence),
        ratio=paired_ratio(ours, theirs, confidence=confidence) if has_ratio else None,
    )


def _claim(finding: Finding, floor: Interval | None, criteria: Criteria) -> Claim | None:
    """Compare with the bare host, where a criterion says which direction is good."""
    if finding.ratio is None or finding.runtime == CONTROL_AGAIN:
        return None
    for name, criterion in criteria.criteria.items():
        if isinstance(criterion, MeasuredCriterion) and criterion.probe == finding.probe:
            return compare(
                finding.samples,
                finding.control,
                margin=criteria.margin(name),
                noise=floor,
                maximise=criterion.direction == "maximise",
            )
    return None


def _settled(drafts: list[_Draft], apart: Collection[str], *, confidence: float) -> tuple[Finding, ...]:
    """Settle two families of comparisons: of what is ranked, and of what stands apart."""
    families: dict[bool, list[Claim]] = {False: [], True: []}
    for draft in drafts:
        if draft.claim:
            families[draft.finding.runtime in apart].append(draft.claim)
    settled = {key: iter(settle(claims, confidence=confidence)) for key, claims in families.items()}
    return tuple(
        replace(
            draft.finding,
            comparison=next(settled[draft.finding.runtime in apart]),
            comparisons=len(families[draft.finding.runtime in apart]),
        )
        if draft.claim
        else draft.finding
        for draft in drafts
    )


def _blank(runtime: str, probe_id: str, version: int, texts: ProbeTexts, facts: _Run) -> Finding:
    return Finding(
        site=facts.site,
        run=facts.run,
        runtime=runtime,
        probe=probe_id,
        probe_version=version,
        outcome=Outcome.ERROR,
        message="",
        texts=texts,
    )


def _from_observations(blank: Finding, own: Observations) -> Finding:
    return replace(
        blank,
        image_digest=max((item.image_digest for item in own.items), default=""),
        evidence=tuple(dict.fromkeys(evidence for item in own.items for evidence in item.evidence)),
        observed_at=max((item.observed_at for item in own.items), default=""),
    )


def _unavailable(runtime: str, probe: Probe, texts: ProbeTexts, facts: _Run, reason: str) -> Finding:
    blank = _blank(runtime, probe.id, probe.version, texts, facts)
    return replace(blank, outcome=Outcome.UNAVAILABLE, message=reason, delta=against_host(blank, hosts=()))


def _broken(finding: Finding, message: str) -> Finding:
    return replace(
        finding,
        outcome=Outcome.ERROR,
        message=message,
        blocks=(),
        samples=(),
        control=(),
        value=None,
        ratio=None,
    )
