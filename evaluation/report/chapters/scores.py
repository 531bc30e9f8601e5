"""Chapter 2: every runtime's score with its interval, per use case, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from evaluation.decide.criteria import Criterion
from evaluation.model import CONTROL, Score, UseCaseDecision, Verdict
from evaluation.report.figures import ScoreRow, score_plot
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import State, standing_state

__all__ = ["scores"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A criterion with its weight and what each runtime gets for it."""

    criterion: Criterion
    weight: float
    scores: tuple[Score | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseScores:
    """One use case's scores at one site."""

    name: str
    title: str
    story: str
    sentence: str
    measure_next: tuple[str, ...]
    at_least: bool
    figure: Markup
    rows: tuple[tuple[Verdict, State], ...]
    runtimes: tuple[str, ...]
    weighed: tuple[Weighed, ...]


def scores(case: Case) -> Chapter:
    """Show how close the answers are."""
    return chapter(
        "scores",
        sites=tuple(
            (
                case.title(site),
                tuple(_use_case(case, site, each) for each in site.decision.use_cases),
            )
            for site in case.measured
        ),
    )


def _use_case(case: Case, site: SiteCase, decision: UseCaseDecision) -> UseCaseScores:
    use_case = case.criteria.use_cases[decision.use_case]
    name = anchor("scores", site.folder, decision.use_case)
    rows = tuple((verdict, standing_state(verdict.standing)) for verdict in decision.verdicts)
    runtimes = tuple(verdict.runtime for verdict in decision.verdicts)
    worth = {(row.criterion, row.runtime): row.score for row in site.decision.rows}
    total = sum(use_case.weights.values()) or 1.0
    return UseCaseScores(
        name=name,
        title=use_case.title,
        story=use_case.story,
        sentence=decision.sentence,
        measure_next=decision.measure_next,
        at_least=any(verdict.score.value is None for verdict, _ in rows if verdict.p_first is not None),
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
                for verdict, state in rows
                if verdict.runtime != CONTROL
            ],
        ),
        rows=rows,
        runtimes=runtimes,
        weighed=tuple(
            Weighed(
                criterion=case.criteria.criteria[criterion],
                weight=weight / total,
                scores=tuple(worth.get((criterion, runtime)) for runtime in runtimes),
            )
            for criterion, weight in sorted(use_case.weights.items(), key=lambda item: -item[1])
            if weight > 0
        ),
    )
