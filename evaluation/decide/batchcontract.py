"""Under which control groups a verdict of the batch contract was seen: their version, and who makes them.

Both turn such verdicts round. With systemd as the manager a container stands in a scope of systemd's, outside
of the job's group, whose limits and books it escapes; with cgroupfs the same engine may leave it where its
client is. So each verdict says under which it was seen, and is borrowed only where they are the same.
"""

from __future__ import annotations

from typing import Final

from evaluation.manifest import HostFacts, Manifest, RuntimeFacts, fact
from evaluation.model import ProbeTexts

__all__ = ["CONTRACT", "NOT_KNOWN", "belongs", "control_groups"]

CONTRACT: Final = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10")
"""The security checklist's numbers of the batch contract."""

NOT_KNOWN: Final = "not known"
"""Said of what was not told; it is like nothing, not even like itself elsewhere."""

_IN_JOBS: Final = "batch"
"""The group of the probes that ask inside of real jobs."""

_UNTOLD: Final = "not told"

_WORDS: Final = {"none": "no manager", "disabled": "none made for it"}


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
