"""Find the probes by their files. There is no list to keep: a file in a group's folder is a probe.

So is a file in the project's ``workloads/``, which is where a site adds jobs of its own.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from evaluation.errors import EvaluationError
from evaluation.loading import imported
from evaluation.probes.base import Probe
from evaluation.probes.workloads import workload_probes
from evaluation.project import root

__all__ = ["GROUPS", "FaultyProbeError", "UnknownProbeError", "discover", "find", "group_of"]

GROUPS = ("performance", "security", "operations", "batch")
"""The folders that hold probes, in the order in which the report shows them."""

_STEM = re.compile(r"[a-z][a-z0-9_]*")

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
    for _, other in found.values():
        if _as_called(other.id) == _as_called(probe.id):
            message = f"there is a probe {other.id} in {found[other.id][0]} too"
            raise FaultyProbeError(message, where=where, advice="rename one of them")
        if probe.checklist_id and other.checklist_id.lower() == probe.checklist_id.lower():
            message = f"{other.id} has the number {probe.checklist_id} of the checklist already"
            raise FaultyProbeError(message, where=where, advice="give it a number of its own")
    found[probe.id] = (group, probe)


def _as_called(name: str) -> str:
    """How a probe is called by: a dash does as an underscore, and case does not matter."""
    return name.strip().lower().replace("-", "_")


def _workloads() -> tuple[Probe, ...]:
    try:
        folder = root() / "workloads"
    except EvaluationError:
        return ()  # outside of a project there are only the probes of the package
    return workload_probes(folder)


def _probe_of(module: str, stem: str) -> Probe:
    where = f"{module.replace('.', '/')}.py"
    if not _STEM.fullmatch(stem):
        message = "a probe's file is named in lower case, digits and underscores"
        raise FaultyProbeError(
            message, where=where, advice=f"rename it, such as {_as_called(stem)}.py, and its id"
        )
    probe = getattr(imported(module, "this probe"), "PROBE", None)
    if not isinstance(probe, Probe):
        message = "the file defines no PROBE"
        raise FaultyProbeError(message, where=where, advice="define PROBE = Probe(...), or move the file")
    if probe.id != stem:
        message = f"the probe's id is {probe.id}, but its file is {stem}.py"
        raise FaultyProbeError(message, where=where, advice=f'write id="{stem}", or rename the file')
    return probe


def discover() -> Mapping[str, Probe]:
    """Every probe by its id, in the order of groups and file names.

    Raises
    ------
    FaultyProbeError
        A file in a group's folder defines no probe, one of another name, or one with another's number.
    EvaluationError
        A file cannot be imported.
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
    known = by_number | {_as_called(id_): probe for id_, probe in probes.items()}
    wanted = _as_called(name)
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted, known, n=3)
    names = [known[match].id for match in close]
    advice = (
        f"did you mean {' or '.join(dict.fromkeys(names))}?" if names else f"there are: {', '.join(probes)}"
    )
    message = f"there is no probe {name!r}"
    raise UnknownProbeError(message, advice=advice)
