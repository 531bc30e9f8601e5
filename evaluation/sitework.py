"""What a site contact does with a site's file: begin one, and have it checked on the machine itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from evaluation import doctor, validation
from evaluation.archive import hiding
from evaluation.decide.batchcontract import belongs
from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.documents import unknown
from evaluation.errors import EvaluationError, Fault, FaultyDocumentError
from evaluation.facts import aged, missing, months_since
from evaluation.kit import typed
from evaluation.measure.submission import queue_of
from evaluation.measure.user import ourselves
from evaluation.probes.registry import discover, group_of
from evaluation.project import root
from evaluation.sites import Site, list_sites, load_site
from evaluation.store import find_runs, measurements
from evaluation.units import count, day

__all__ = ["check", "new"]

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

_TEMPLATE: Final = """\
# yaml-language-server: $schema=../docs/site.schema.json
#
# Begun by `evaluation site new {name}`. The file's name is the site's id; docs/sites-in-detail.md says more.
# `evaluation site check {name}` says what is wrong, what is out of date and what is still missing.
# Everything here is public: it stands in the report. What is not known is not written.

title: {name}                # how the report names the site
status: {status:<20} # measured-here, on the machine where you measure

# What is publicly known, each with its source, its date, and how far it was checked. Topics that readers ask
# for: operating system, batch system, container policy, container runtime, building images, image cache,
# network.
# facts:
#   - topic: container policy
#     statement: What is so, in one sentence.
#     source: Where it is said, so that it can be found again; a few words of it in quotation marks.
#     date: "2026-01-31"     # when it was said, as exact as the source is, or undated
#     dating: How the date is known, or what is known instead of one.
#     checked: How far you have checked it, and against what.
#     confidence: declared   # or measured, where it is the result of a measurement

# What the site has for its users. The report names the best of it beside the best that was measured.
# offers:
#   - family: apptainer      # or one runtime of it: `runtime: apptainer-sandbox`
#     statement: What is offered, in one sentence.
#     source: Where it is said.
#     date: "2026-01-31"     # or undated
#     checked: How far you have checked it.

batch:
  engine: {engine:<18} # local, slurm, gridengine, lsf, pbs, htcondor
  # reason: How that is known.

# What the site does not permit, whatever a use case says. A policy that nobody has stated is none.
policy:
  knock_outs: []
  #  - {{family: docker, reason: why, source: who says so}}
  #  - {{criterion: setuid_planting, when: FAILS, reason: why, source: who says so}}
  # accepts:
  #  - {{criterion: host_filesystem_bind, family: docker, reason: why, source: who says so}}

# Another site's evidence, which stands in for some criteria until this one has measured them. Every cell says
# so, and intervals are widened by the factor.
# borrows:
#   - from: reference
#     criteria: [cold_start, warm_start]
#     widen_by: 1.5
#     reason: Why that site is like this one, and why by so much.
#     source: who says so

# How runtimes are started here, where the defaults do not do:
# runtimes:
#   apptainer: {{executable: /opt/apptainer/bin/apptainer}}
#   docker: {{forbidden: why it must not be tried}}
#   shifter: {{images: {{small: "docker:container-evaluation/small:TAG"}}}}   # as its gateway knows it
"""


def new(name: str, *, status: str = "declared-only", engine: str = "unknown") -> Path:
    """Write the file of a new site, full of comments and valid as it is.

    Parameters
    ----------
    status, engine : str
        What it says of measuring, and of the batch system.

    Raises
    ------
    EvaluationError
        The name is none for a site, or one of a host or a user here; or the file is there.
    """
    folder = root() / "sites"
    if not _ID.fullmatch(name):
        raise EvaluationError(
            f"{name!r} is no id for a site",
            where="evaluation site new",
            advice="Small letters, digits, - and _, beginning with a letter or a digit.",
        )
    hiding.assert_may_leave(name, hiding.here(), where="evaluation site new")
    path = folder / f"{name}.yaml"
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(_TEMPLATE.format(name=name, status=status, engine=engine))
    except FileExistsError:
        raise EvaluationError(
            "is there already, and is not written over",
            where=str(path),
            advice=f"Edit it, then: evaluation site check {name}.",
        ) from None
    return path


def check(name: str, *, results: Path | None, today: date | None = None) -> tuple[str, bool]:
    """Say of one site, or of all, what is wrong, out of date, missing, and whether it answers here.

    Returns
    -------
    str
        The whole of it, for a person.
    bool
        Whether every file is valid.

    Raises
    ------
    EvaluationError
        There is no such site, or ``criteria.yaml`` is faulty.
    """
    here = root()
    names = list_sites(here / "sites")
    if name and name not in names:
        raise EvaluationError(
            unknown("site", name, names),
            where=str(here / "sites"),
            advice=f"there are: {', '.join(names)}; or begin it: evaluation site new {name}",
        )
    rules = load_criteria(here / "criteria.yaml")
    faults: list[Fault] = validation.validate(here / "criteria.yaml", here / "sites")
    lines: list[str] = []
    valid = True
    for each in (name,) if name else names:
        path = here / "sites" / f"{each}.yaml"
        wrong = [fault for fault in faults if fault.path == str(path)]
        valid = valid and not wrong
        if wrong:
            lines += [str(FaultyDocumentError(wrong)), ""]
            continue
        site = load_site(each, here / "sites")
        lines += [*_told(site, rules, results or here / "results", today or date.today()), ""]  # noqa: DTZ011 - a day, anywhere
    return "\n".join(lines).rstrip(), valid


def _told(site: Site, rules: Criteria, results: Path, on: date) -> Iterator[str]:
    limit = rules.method.fact_age_months
    months = limit.value if limit else None
    yield f"{site.id}: {site.title}; sites/{site.id}.yaml is as it should be"
    for item in aged(site, on, months):
        age = "" if item.months is None else f" ({count(item.months, 'month')} old)"
        yield f"  {item.state}{age}: {item.fact.topic}: {item.fact.statement}"
    for offer in site.offers:
        yield f"  offers {offer.name} ({offer.date}): {offer.statement}"
    if absent := missing(site):
        yield f"  nobody has said: {', '.join(absent)}"
    yield f"  {_measured(site, results, on, months)}"
    for borrow in site.borrows:
        yield (
            f"  borrows from {borrow.lender}, widened {borrow.widen_by:g}fold, until it has measured: "
            f"{', '.join(borrow.criteria)}"
        )
        if contract := [name for name in borrow.criteria if _of_the_contract(name, rules)]:
            yield f"    only where control groups are made alike here and there: {', '.join(contract)}"
    if site.status == "declared-only":
        yield "  not asked whether anything answers: status is declared-only, so this is not that machine"
        return
    yield from _answers(site)


def _of_the_contract(name: str, rules: Criteria) -> bool:
    """Whether a criterion is judged by a probe of the batch contract."""
    criterion = rules.criteria.get(name)
    probe = discover().get(criterion.probe) if criterion else None
    return probe is not None and belongs(probe.texts(group_of(probe.id)))


def _measured(site: Site, results: Path, on: date, months: int | None) -> str:
    finished = [run for run in find_runs(results, site.id) if run.complete]
    runs = measurements(finished)
    if not runs:
        only = " (a sweep or a calibration is here, from which nothing is decided)" if finished else ""
        way = typed(f"site SITE={site.id}", f"--site {site.id}")
        return f"not measured: {way}, on its own machine{only}"
    newest = max(runs, key=lambda run: run.manifest.started_at)
    age = months_since(newest.manifest.started_at, on)
    old = ", out of date: measure again" if months is not None and age > months else ""
    came = ", from an archive" if newest.archived else ""
    when = f"{day(newest.manifest.started_at)} ({count(age, 'month')} ago{old})"
    return f"measured on {when}{came}: {newest.path.name}"


def _answers(site: Site) -> Iterator[str]:
    """Ask this machine what a site's file promises."""
    found = doctor.examine(site)
    engine = site.batch.engine
    if engine == "local":
        yield "  batch system: none; probes run as plain processes"
    elif engine == "unknown":
        yield "  batch system: not said which (batch: engine); nothing is submitted"
    else:
        yield f"  batch system {engine}: {_engine(site)}"
    present = [f"{facts.id} {facts.version}".strip() for facts in found.runtimes if facts.present]
    yield f"  answer here: {', '.join(present)}"
    for facts in found.runtimes:
        if not facts.present:
            yield f"  does not answer: {facts.id}: {facts.reason}"
    for check in found.wanting:
        yield f"  ! {check.costs or check.what}: {check.sentence}"


def _engine(site: Site) -> str:
    try:
        with queue_of(site.batch, ourselves()) as queue:
            return f"answers, {queue.require()}"
    except EvaluationError as error:
        return f"does not answer: {error.what}"
