"""Chapter 3, its last part: the time that a unit of work loses in each runtime, and what it consists of."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evaluation import units
from evaluation.model import Loss, UseCaseDecision
from evaluation.report.lossfigure import GROUPS, grouped, loss_plot
from evaluation.report.losswords import at_length, checked, lost, share_lost, shown, signed, together
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.workprofiles import COUNTS, WorkProfile, replaced

__all__ = ["losses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One runtime's loss, in words."""

    runtime: str
    lost: str
    share: str
    lengths: tuple[str, ...]
    thousand: str
    parts: tuple[str, ...]
    total: str
    varied: str
    checked: str
    agrees: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseLosses:
    """One use case's losses at one site."""

    name: str
    title: str
    unit: str
    units: str
    lengths: tuple[str, ...]
    shown: str
    figure: Markup
    rows: tuple[Row, ...]
    profile: tuple[tuple[str, str, str, str, str, str], ...]
    not_counted: tuple[tuple[str, str], ...]
    own: bool


def losses(case: Case) -> Chapter:
    """Show what each runtime costs of a unit of work, use case by use case."""
    return chapter(
        "losses",
        groups=GROUPS,
        confidence=case.criteria.method.confidence_level.value,
        sites=tuple(
            (
                case.title(site),
                tuple(
                    _use_case(case, site, each, profile)
                    for each in site.decision.use_cases
                    if each.losses and (profile := case.criteria.use_cases[each.use_case].work)
                ),
            )
            for site in case.measured
        ),
    )


def _use_case(case: Case, site: SiteCase, decision: UseCaseDecision, declared: WorkProfile) -> UseCaseLosses:
    own = case.sites[site.site].work.get(decision.use_case) if site.site in case.sites else None
    profile = replaced(declared, own)
    name = anchor("time-lost", site.folder, decision.use_case)
    title = case.criteria.use_cases[decision.use_case].title
    return UseCaseLosses(
        name=name,
        title=title,
        unit=profile.unit,
        units=profile.units,
        lengths=tuple(units.lasting(length) for length, _ in decision.losses[0].lengths),
        shown=shown(
            decision.losses, f"{profile.unit} with {units.lasting(profile.length.middle)} of computing"
        ),
        figure=loss_plot(f"{name}-figure", f"Time lost in one {profile.unit}, for {title}", decision.losses),
        rows=tuple(_row(loss) for loss in decision.losses),
        profile=tuple(_profile(profile)),
        not_counted=tuple((COUNTS[name], reason) for name, reason in profile.not_counted.items()),
        own=own is not None,
    )


def _row(loss: Loss) -> Row:
    parts = [round(seconds, 3) for seconds in grouped(loss).values()]
    return Row(
        runtime=loss.runtime,
        lost=lost(loss),
        share=share_lost(loss),
        lengths=tuple(at_length(interval) for _, interval in loss.lengths),
        thousand=together(loss, 1000),
        parts=tuple(_thousandths(part) for part in parts),
        total=_thousandths(sum(parts)),
        varied=" to ".join(map(signed, loss.varied)),
        checked=checked(loss),
        agrees=loss.check is None or loss.check.agrees,
        missing=tuple(
            f"{COUNTS.get(part.name, part.name)} ({part.probe}): {part.missing}"
            for part in loss.parts
            if part.missing
        ),
    )


def _thousandths(seconds: float) -> str:
    return f"{seconds:+.3f}".replace("-", units.MINUS)


def _profile(profile: WorkProfile) -> list[tuple[str, str, str, str, str, str]]:
    """List the rows of a work profile: what, low, middle and high, by which probe priced, and why so."""
    length = profile.length
    rows = [
        (
            "computing on the bare host",
            units.lasting(length.low),
            units.lasting(length.middle),
            units.lasting(length.high),
            ", ".join(f"{part.probe} ({units.percent(part.share)})" for part in profile.computing.values()),
            f"{length.reason} Source: {length.source}.",
        )
    ]
    return rows + [
        (
            COUNTS[name],
            units.decimal(count.low),
            units.decimal(count.middle),
            units.decimal(count.high),
            count.probe,
            f"{count.reason} Source: {count.source}.",
        )
        for name, count in profile.counts.items()
    ]
