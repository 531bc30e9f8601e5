"""Find the probes by their files. There is no list to keep: a file in a group's folder is a probe.

So is a file in the project's ``workloads/``, which is where a site adds jobs of its own.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from evaluation.errors import EvaluationError
from evaluation.probes.base import Probe
from evaluation.probes.workloads import workload_probes
from evaluation.project import root

__all__ = ["GROUPS", "FaultyProbeError", "UnknownProbeError", "discover", "find", "group_of"]

GROUPS = ("performance", "security", "operations", "batch")
"""The folders that hold probes, in the order in which the report shows them."""

WORKLOADS = "performance"
"""The group that workloads belong to."""


class UnknownProbeError(EvaluationError):
    """No probe has this id or checklist id."""


class FaultyProbeError(EvaluationError):
    """A file among the probes does not define one as it should."""


@cache
def _found() -> Mapping[str, tuple[str, Probe]]:
    """Every probe's group and the probe itself, by id, in the order of groups and file names."""
    found: dict[str, tuple[str, Probe]] = {}
    for group in GROUPS:
        package = importlib.import_module(f"evaluation.probes.{group}")
        for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
            probe = _probe_of(f"{package.__name__}.{info.name}", info.name)
            _add(found, group, probe, f"{group}/{info.name}.py")
        for probe in _workloads() if group == WORKLOADS else ():
            _add(found, group, probe, f"workloads/{probe.id}.yaml")
    return MappingProxyType(found)


def _add(found: dict[str, tuple[str, Probe]], group: str, probe: Probe, where: str) -> None:
    if probe.id in found:
        message = f"there is a probe {probe.id} in {found[probe.id][0]} too"
        raise FaultyProbeError(message, where=where, advice="rename one of them")
    found[probe.id] = (group, probe)


def _workloads() -> tuple[Probe, ...]:
    try:
        folder = root() / "workloads"
    except EvaluationError:
        return ()  # outside of a project there are only the probes of the package
    return workload_probes(folder)


def _probe_of(module: str, stem: str) -> Probe:
    probe = getattr(importlib.import_module(module), "PROBE", None)
    if not isinstance(probe, Probe):
        message = "the file defines no PROBE"
        raise FaultyProbeError(message, where=module, advice="define PROBE = Probe(...), or move the file")
    if probe.id != stem:
        message = f"the probe's id is {probe.id}, but its file is {stem}.py"
        raise FaultyProbeError(message, where=module, advice=f'write id="{stem}", or rename the file')
    return probe


def discover() -> Mapping[str, Probe]:
    """Every probe by its id, in the order of groups and file names.

    Raises
    ------
    FaultyProbeError
        A file in a group's folder defines no probe, or one of another name.
    """
    return {id_: probe for id_, (_, probe) in _found().items()}


def group_of(id_: str) -> str:
    """The group a probe belongs to: the folder its file is in."""
    return _found()[find(id_).id][0]


def find(name: str) -> Probe:
    """Find a probe by its id, or by its id on the security checklist (``P15``).

    Raises
    ------
    UnknownProbeError
        There is none; the error names those that are spelled alike.
    """
    probes = discover()
    by_number = {probe.checklist_id.lower(): probe for probe in probes.values() if probe.checklist_id}
    known = {**by_number, **probes}
    wanted = name.strip().lower().replace("-", "_")
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted, known, n=3)
    names = [known[match].id for match in close]
    advice = (
        f"did you mean {' or '.join(dict.fromkeys(names))}?" if names else f"there are: {', '.join(probes)}"
    )
    message = f"there is no probe {name!r}"
    raise UnknownProbeError(message, advice=advice)
