"""Under which control groups a verdict of the batch contract was seen: their version, and who makes them.

Both turn such verdicts round. With systemd as the manager a container stands in a scope of systemd's, outside
of the job's group, whose limits and books it escapes; with cgroupfs the same engine may leave it where its
client is. So each verdict says under which it was seen, is borrowed only where they are the same, and is held
against the verdicts of other sites by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluation.manifest import HostFacts, Manifest, RuntimeFacts, fact
from evaluation.model import CONTROL, CONTROL_AGAIN, Finding, Outcome, ProbeTexts

__all__ = [
    "CONTRACT",
    "NOT_KNOWN",
    "Difference",
    "Measured",
    "Seen",
    "belongs",
    "control_groups",
    "differences",
    "unanswered",
]

CONTRACT: Final = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10")
"""The security checklist's numbers of the batch contract."""

NOT_KNOWN: Final = "not known"
"""Said of what was not told; it is like nothing, not even like itself elsewhere."""

_IN_JOBS: Final = "batch"
"""The group of the probes that ask inside of real jobs."""

_UNTOLD: Final = "not told"

_WORDS: Final = {"none": "no manager", "disabled": "none made for it"}

_JOBS: Final = "a job bounds and counts what stands in its group and below it"
_OF_GROUPS: Final = {
    "B01": _JOBS,
    "B02": _JOBS,
    "B03": _JOBS,
    "B09": "the limit is set in the container's own, which takes a controller there and the right to use it",
}
"""Why an answer hangs on control groups, as a clause; the answers that are not here do not."""

_MAKES: Final = {
    "manager systemd": "systemd makes a scope of its own for the container",
    "manager cgroupfs": "the engine makes the container's group itself, as far as it may",
    "no manager": "the engine may make none, and leaves the container where it is itself",
    "none made for it": "the container stays in its client's",
    "by systemd where a limit is asked of it": "systemd makes a scope where a limit is asked, and else the "
    "container stays in its client's",
    "by itself where a limit is asked of it": "the runtime makes a group itself where a limit is asked, and "
    "else the container stays in its client's",
    "": "the runtime makes none: the container stays in its client's",
}
"""Per manager, what becomes of a container.

Sources: podman(1), --cgroup-manager; podman-run(1), --cgroups; docker run(1), --cgroup-parent; Docker's
documentation, rootless mode, limiting resources; apptainer-exec(1); systemd.scope(5).
"""


def belongs(texts: ProbeTexts) -> bool:
    """Whether a probe asks for the batch contract."""
    return texts.group == _IN_JOBS or texts.checklist_id in CONTRACT


def control_groups(manifest: Manifest) -> dict[str, str]:
    """Say for each runtime of a run under which control groups its containers ran.

    Returns
    -------
    dict of str to str
        By the runtime's id, as ``v2, manager systemd``; the version alone where the runtime makes none.
    """
    return {facts.id: _of(facts, manifest.host) for facts in manifest.runtimes if facts.present}


def _of(facts: RuntimeFacts, host: HostFacts) -> str:
    """The engine's own word where there is one: it may stand on another kernel, in a virtual machine."""
    version, _, _ = host.cgroup.replace("unknown", f"version {NOT_KNOWN}").partition(" with ")
    if limits := fact(facts.security, "systemd cgroups"):
        systemd = limits.split()[0] == "yes"
        return f"{version}, {'by systemd' if systemd else 'by itself'} where a limit is asked of it"
    told = fact(facts.security, "cgroups")
    if not told:
        return version
    if told == _UNTOLD:
        return f"{version}, manager {NOT_KNOWN}"
    version, _, manager = told.partition(", ")
    return f"v{version.removeprefix('v')}, {_WORDS.get(manager, f'manager {manager}')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One site's run, as the verdicts of several are held against each other; ``site`` as it is shown."""

    site: str
    manifest: Manifest
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How one site answers one question of the contract for one runtime.

    ``version`` is the runtime's, ``bare`` the bare host's answer to the same question there.
    """

    site: str
    finding: Finding
    version: str
    bare: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A question of the contract that sites answer differently for the same runtimes, and why."""

    texts: ProbeTexts
    probe: str
    runtimes: tuple[str, ...]
    seen: tuple[Seen, ...]
    """Of the first of these runtimes; the others' differ in the runtime alone."""
    why: str
    """In one sentence or two."""


_ANSWERS: Final = (Outcome.HOLDS, Outcome.FAILS, Outcome.SOMETIMES)


def differences(sites: Iterable[Measured]) -> tuple[Difference, ...]:
    """Find what sites answer differently of the checklist's ten for the same runtime, and say why.

    Only what was measured at the site itself counts, and only what is a yes or a no: where nothing could be
    shown, nothing differs. What real jobs answer goes with the batch system too, and is not compared here.

    Parameters
    ----------
    sites : iterable of Measured
        In the order in which they are shown.

    Returns
    -------
    tuple of Difference
        By the checklist's number; runtimes of which the same is said stand together.
    """
    found: dict[tuple[str, str], list[Seen]] = {}
    for site in sites:
        for one in _answers(site):
            found.setdefault((one.finding.probe, one.finding.runtime), []).append(one)
    alike: dict[tuple[object, ...], list[str]] = {}
    first: dict[tuple[object, ...], list[Seen]] = {}
    for (probe, runtime), seen in found.items():
        if runtime == CONTROL or len({one.finding.outcome for one in seen}) < 2:
            continue
        said = tuple((one.site, one.finding.outcome, one.finding.control_groups, one.version) for one in seen)
        alike.setdefault((probe, *said), []).append(runtime)
        first.setdefault((probe, *said), seen)
    told = (
        Difference(
            texts=seen[0].finding.texts,
            probe=seen[0].finding.probe,
            runtimes=tuple(alike[key]),
            seen=tuple(seen),
            why=_why(seen),
        )
        for key, seen in first.items()
    )
    return tuple(sorted(told, key=lambda each: each.texts.checklist_id))


def unanswered(sites: Sequence[Measured]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Find what a site leaves open of the checklist's ten that another answers for the same runtime.

    Returns
    -------
    dict of str to dict of str to tuple of str
        By the site, then by the reason that its run gives: the checklist's numbers.
    """
    answered = {
        (one.finding.texts.checklist_id, one.finding.runtime) for site in sites for one in _answers(site)
    }
    found: dict[str, dict[str, tuple[str, ...]]] = {site.site: {} for site in sites}
    for site in sites:
        here = {facts.id for facts in site.manifest.runtimes if facts.present} - {CONTROL}
        for each in site.findings:
            number, reasons = each.texts.checklist_id, found[site.site]
            if each.runtime not in here or each.borrowed or each.outcome in _ANSWERS:
                continue
            if (number, each.runtime) in answered and number not in reasons.get(each.message, ()):
                reasons[each.message] = (*reasons.get(each.message, ()), number)
    return found


def _answers(site: Measured) -> Iterator[Seen]:
    own = [each for each in site.findings if not each.borrowed and each.runtime != CONTROL_AGAIN]
    bare = {each.probe: each.outcome for each in own if each.runtime == CONTROL}
    versions = {facts.id: facts.version for facts in site.manifest.runtimes}
    for finding in own:
        if finding.texts.checklist_id in CONTRACT and finding.outcome in _ANSWERS:
            yield Seen(
                site=site.site,
                finding=finding,
                version=versions.get(finding.runtime, ""),
                bare=bare.get(finding.probe),
            )


def _why(seen: Sequence[Seen]) -> str:
    """Say why the sites' answers differ, from what is known of each."""
    if all(one.bare is one.finding.outcome for one in seen):
        return "The bare host answers so too at each of them: it is the site, not the runtime."
    versions = _sites({one.site: one.version or NOT_KNOWN for one in seen})
    places = ", ".join(f"{version} at {sites}" for version, sites in versions.items())
    runtime = f"The runtime's version {'is the same' if len(versions) == 1 else f'differs: {places}'}."
    groups = _sites({one.site: one.finding.control_groups or NOT_KNOWN for one in seen})
    if unknown := [sites for told, sites in groups.items() if NOT_KNOWN in told]:
        return f"Not explained: who makes the control groups at {', '.join(unknown)} is not known. {runtime}"
    if not _apart(seen):
        return f"Control groups do not tell these answers apart. {runtime}"
    if not (hangs := _OF_GROUPS.get(seen[0].finding.texts.checklist_id)):
        return f"No limit and no account is asked for here, so control groups do not explain it. {runtime}"
    places = "; ".join(
        f"at {sites}, {_made(told, of_a_job=hangs == _JOBS)}" for told, sites in groups.items()
    )
    return f"They differ with the control groups, for {hangs}: {places}. {runtime}"


def _apart(seen: Sequence[Seen]) -> bool:
    """Whether no two sites with the same control groups answer differently."""
    pairs = {(one.finding.control_groups, one.finding.outcome) for one in seen}
    return len(pairs) == len({groups for groups, _ in pairs})


def _made(groups: str, *, of_a_job: bool) -> str:
    """Say of control groups, as `control_groups` names them, what becomes of a container in a job."""
    version, _, manager = groups.partition(", ")
    version = f"version {version.removeprefix('v')}"
    if of_a_job:
        return f"{version}, where {_MAKES.get(manager, f'the manager is {manager}')}"
    return f"{version}, {manager}" if manager else version


def _sites(told: Mapping[str, str]) -> dict[str, str]:
    """Name for each thing the sites of which it is told, as a clause does."""
    return {what: " and ".join(site for site, one in told.items() if one == what) for what in told.values()}
