"""Every runtime's score with its interval, per use case, and what it is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from evaluation import units
from evaluation.decide.criteria import Criterion, LossCriterion
from evaluation.model import CONTROL, ModeScore, Score, Standing, UseCaseDecision, Verdict
from evaluation.report.figures import ScoreRow, score_plot
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.text import in_short
from evaluation.report.weightfigures import Stack, stack_plot
from evaluation.report.words import State, standing_state

__all__ = ["scores"]

_SMALL = 0.005
"""A part of a score that would be printed as 0.00 or so is not worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A criterion with its share of the weight in every use case, and what each runtime gets for it."""

    criterion: Criterion
    title: str
    shares: tuple[float, ...]
    scores: tuple[Score | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseScores:
    """One use case's scores at one site.

    A row has the verdict, its state and its first reason in short; ``in_full`` has the reasons that were
    cut, by runtime.
    """

    name: str
    title: str
    story: str
    sentence: str
    measure_next: tuple[str, ...]
    at_least: bool
    figure: Markup
    parts: Markup
    groups: tuple[tuple[str, tuple[Score, ...]], ...]
    against: str
    rows: tuple[tuple[Verdict, State, str], ...]
    modes: tuple[ModeScore, ...]
    in_full: tuple[tuple[str, tuple[str, ...]], ...]
    runtimes: tuple[str, ...]


def scores(case: Case) -> Chapter:
    """Show how close the answers are."""
    return chapter(
        "scores",
        sites=tuple(
            (
                case.title(site),
                tuple(_use_case(case, site, each) for each in site.decision.use_cases),
                tuple(case.criteria.use_cases[each.use_case].title for each in site.decision.use_cases),
                *_weighed(case, site),
            )
            for site in case.measured
        ),
    )


def _groups(case: Case, decision: UseCaseDecision) -> tuple[tuple[str, tuple[Score, ...]], ...]:
    """Sum up what each runtime gets from each group of criteria, in the order of the file."""
    group_of = {name: criterion.group for name, criterion in case.criteria.criteria.items()}
    return tuple(
        (
            group,
            tuple(
                Score(
                    value=None,
                    low=math.fsum(s.low for name, s in verdict.contributions if group_of.get(name) == group),
                    high=math.fsum(
                        s.high for name, s in verdict.contributions if group_of.get(name) == group
                    ),
                )
                for verdict in decision.verdicts
            ),
        )
        for group in dict.fromkeys(group_of.values())
    )


def _against(decision: UseCaseDecision) -> str:
    """Say in one sentence what puts the first before the second, by criterion."""
    field = [
        verdict
        for verdict in decision.verdicts
        if verdict.standing not in {Standing.KNOCKED_OUT, Standing.NOT_MEASURED}
    ]
    if len(field) < 2:
        return ""
    first, second = field[:2]
    theirs = dict(second.contributions)
    leads = {}
    for name, ours in first.contributions:
        known = theirs[name].value
        if ours.value is not None and known is not None:
            leads[name] = ours.value - known
    gains = sorted((name for name in leads if leads[name] > _SMALL), key=lambda name: (-leads[name], name))[
        :3
    ]
    losses = sorted((name for name in leads if leads[name] < -_SMALL), key=lambda name: (leads[name], name))[
        :2
    ]
    if not gains and not losses:
        return f"{first.runtime} and {second.runtime} get the same for everything that is known of both."
    ahead = ", ".join(f"{name} (+{units.share(leads[name])})" for name in gains) or "nothing that is known"
    behind = ", ".join(f"{name} (\N{MINUS SIGN}{units.share(-leads[name])})" for name in losses)
    said = f"{first.runtime} is ahead of {second.runtime} by {ahead}"
    return f"{said}, and behind by {behind}." if behind else f"{said}, and behind in nothing that is known."


def _use_case(case: Case, site: SiteCase, decision: UseCaseDecision) -> UseCaseScores:
    use_case = case.criteria.use_cases[decision.use_case]
    name = anchor("scores", site.folder, decision.use_case)
    rows = tuple(
        (verdict, standing_state(verdict.standing), in_short(verdict.reasons))
        for verdict in decision.verdicts
    )
    runtimes = tuple(verdict.runtime for verdict in decision.verdicts)
    groups = _groups(case, decision)
    return UseCaseScores(
        name=name,
        title=use_case.title,
        story=use_case.story,
        sentence=decision.sentence,
        measure_next=tuple(str(missing) for missing in decision.measure_next),
        at_least=any(
            verdict.score.value is None for verdict in decision.verdicts if verdict.p_first is not None
        ),
        figure=score_plot(
            f"{name}-figure",
            f"Score of each runtime for {use_case.title}",
            [
                ScoreRow(
                    label=verdict.runtime,
                    note=state.word,
                    tone=state.tone,
                    low=verdict.score.low,
                    high=verdict.score.high,
                    value=verdict.score.value,
                )
                for verdict, state, _ in rows
                if verdict.runtime != CONTROL
            ],
        ),
        parts=stack_plot(
            f"{name}-parts",
            f"What the score of each runtime is made of, for {use_case.title}",
            [
                Stack(
                    label=verdict.runtime,
                    parts={group: of[place].low for group, of in groups},
                    open=verdict.score.high - verdict.score.low,
                )
                for place, verdict in enumerate(decision.verdicts)
                if verdict.standing is not Standing.NOT_MEASURED
            ],
            [group for group, _ in groups],
        ),
        modes=decision.modes,
        groups=groups,
        against=_against(decision),
        rows=rows,
        in_full=tuple(
            (verdict.runtime, verdict.reasons)
            for verdict, _, short in rows
            if (short,) != (verdict.reasons or ("",))
        ),
        runtimes=runtimes,
    )


def _weighed(case: Case, site: SiteCase) -> tuple[tuple[str, ...], tuple[Weighed, ...]]:
    """List the runtimes, and every criterion that has weight anywhere, the weightiest first."""
    runtimes = tuple(
        dict.fromkeys(verdict.runtime for each in site.decision.use_cases for verdict in each.verdicts)
    )
    names = [each.use_case for each in site.decision.use_cases]
    known = case.sites.get(site.site)
    engine = known.batch.engine if known else ""
    all_weights = [case.criteria.weights(name, engine) for name in names]
    totals = [sum(weights.values()) or 1.0 for weights in all_weights]
    rows = []
    for name, criterion in case.criteria.criteria.items():
        shares = tuple(w.get(name, 0.0) / total for w, total in zip(all_weights, totals, strict=True))
        # What a unit of work loses differs from use case to use case: a row for each.
        own = names if isinstance(criterion, LossCriterion) else [""]
        for place, use_case in enumerate(own):
            kept = tuple(share if not use_case or at == place else 0.0 for at, share in enumerate(shares))
            worth = {
                row.runtime: row.score
                for row in site.decision.rows
                if row.criterion == name and row.use_case == use_case
            }
            if any(kept):
                title = case.criteria.use_cases[use_case].title if use_case else ""
                scores = tuple(worth.get(runtime) for runtime in runtimes)
                rows.append(Weighed(criterion=criterion, title=title, shares=kept, scores=scores))
    return runtimes, tuple(sorted(rows, key=lambda row: -sum(row.shares)))
