"""From findings to verdicts: knock-outs first, then scores, then the standing rule."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.decide.answerrules import Harm
from evaluation.decide.chances import Noise, Simulation, noise, simulate
from evaluation.decide.criteria import Criteria, UseCase
from evaluation.decide.harms import exposures, harms
from evaluation.decide.knockouts import Reason, family_of, knock_outs, open_vetoes, waived
from evaluation.decide.lengths import lengths_of
from evaluation.decide.losses import Basis, Losses, loss_rows, losses_here, with_losses
from evaluation.decide.measurenext import measure_next
from evaluation.decide.modes import Mode, completed
from evaluation.decide.robustness import robustness
from evaluation.decide.scenarios import parts_of, scenarios
from evaluation.decide.sentence import Account, answer, asides, brief
from evaluation.decide.standing import Ranking, depending, middle, rank
from evaluation.decide.value import UNKNOWN, criterion_rows, refuse_unlike, total
from evaluation.model import (
    CONTROL,
    CONTROL_AGAIN,
    CriterionRow,
    Finding,
    Interval,
    Loss,
    ModeScore,
    Score,
    SiteDecision,
    Standing,
    UseCaseDecision,
    Verdict,
)
from evaluation.sites import Site
from evaluation.units import lasting, shares

__all__ = ["decide"]

Rows = Mapping[tuple[str, str], CriterionRow]


def decide(
    findings: Iterable[Finding],
    criteria: Criteria,
    site: Site,
    *,
    families: Mapping[str, str] | None = None,
    unranked: Collection[str] = (),
    modes: Sequence[Mode] = (),
) -> SiteDecision:
    """Answer every use case from the findings of one run at one site.

    Parameters
    ----------
    findings : iterable of Finding
        As `evaluation.decide.assess.assess` gives them; none where nothing was measured.
    criteria : Criteria
        Scales, weights, knock-outs and the constants of the method.
    site : Site
        For its policy.
    families : mapping of str to str, optional
        Family by runtime id, for a policy that names families. A runtime that is not there is of the
        family that its id begins with (``docker-rootless``: ``docker``).
    unranked : collection of str, optional
        Runtimes that were not asked everything: the modes that nobody named, the positive control. Nothing
        is decided about them or from them, unless they are among ``modes``.
    modes : sequence of Mode, optional
        Modes that compete, completed from their bases (`evaluation.decide.modes`).

    Returns
    -------
    SiteDecision
        Per use case the verdicts in order of rank: the field, then the knocked out, then the runtimes
        not measured here. Of each family in ``families`` the best permitted runtime is in the field, and the
        others are in ``modes``. The bare host has rows, but is never ranked.

    Raises
    ------
    EvaluationError
        The findings do not belong together (law 3), or do not fit the criteria.
    """
    findings = tuple(findings)
    refuse_unlike(findings)
    aside = {*unranked} - {mode.id for mode in modes}
    findings = completed((f for f in findings if f.runtime not in aside), modes, criteria)
    losses = losses_here(findings, criteria, site)
    rows = (*loss_rows(losses, findings, criteria), *criterion_rows(findings, criteria))
    spread = noise(rows, criteria)
    desk = _Desk(
        site=site,
        criteria=criteria,
        rows={},
        noise=spread,
        losses=losses,
        findings=findings,
        not_measured=_not_measured(findings),
        families=families or {},
        modes={mode.id: mode for mode in modes},
        runtimes=tuple(sorted({f.runtime for f in findings} - {CONTROL, CONTROL_AGAIN})),
        host_measured=any(f.runtime == CONTROL and f.outcome.is_evidence for f in findings),
    )
    return SiteDecision(
        site=site.id,
        run=findings[0].run if findings else "",
        rows=rows,
        use_cases=tuple(
            replace(
                desk,
                rows={(row.criterion, row.runtime): row for row in rows if row.use_case in {"", name}},
                noise=with_losses(spread, losses.get(name), criteria),
            ).answer(name, use_case)
            for name, use_case in criteria.use_cases.items()
        ),
        basis=Basis(noise=spread, losses=losses),
    )


def _not_measured(findings: tuple[Finding, ...]) -> dict[str, str]:
    """Runtimes about which nothing at all is known here, each with the reason."""
    known = {finding.runtime for finding in findings if finding.outcome.is_evidence}
    reasons: dict[str, str] = {}
    for finding in findings:
        if finding.runtime not in known:
            reasons.setdefault(finding.runtime, finding.message)
    return reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """Everything on the table when the use cases of one site are answered."""

    site: Site
    criteria: Criteria
    rows: Rows
    noise: Noise
    losses: Mapping[str, Losses]
    findings: tuple[Finding, ...]
    """All of them, completed."""
    not_measured: Mapping[str, str]
    families: Mapping[str, str]
    modes: Mapping[str, Mode]
    runtimes: tuple[str, ...]
    host_measured: bool

    def answer(self, name: str, use_case: UseCase) -> UseCaseDecision:
        """Decide one use case."""
        weights = self.criteria.weights(name, self.site.batch.engine)
        findings = {runtime: self._findings(runtime) for runtime in self.runtimes}
        families = {runtime: family_of(runtime, self.families) for runtime in self.runtimes}
        knocked_out = {
            runtime: knock_outs(runtime, families[runtime], findings[runtime], self.site, use_case)
            for runtime in self.runtimes
        }
        eligible = tuple(
            runtime
            for runtime in self.runtimes
            if runtime not in self.not_measured and not knocked_out[runtime]
        )
        totals = {
            runtime: total(weights, {name: self._score(name, runtime) for name in weights})
            for runtime in self.runtimes
        }
        scores = {runtime: score for runtime, (score, _) in totals.items()}
        vetoes = {
            runtime: open_vetoes(runtime, families[runtime], findings[runtime], self.site, use_case)
            for runtime in eligible
        }
        field = self._best_modes(eligible, scores, vetoes)
        unresolved = {runtime: vetoes[runtime] for runtime in field}
        method = self.criteria.method
        drawn = self._simulate(field, weights, method.weight_range.value)
        chances = drawn.chances()
        ranking = rank(
            {runtime: scores[runtime] for runtime in field},
            chances,
            bar=method.p_first_bar.value,
            tie_margin=method.score_tie_margin.value,
            unresolved={runtime for runtime in field if unresolved[runtime]},
        )
        losses = self.losses[name].losses if name in self.losses else ()
        found = scenarios(
            self.criteria.scenarios,
            parts_of(self.criteria.sections(), weights),
            ranking.order,
            self._score,
            tie_margin=method.score_tie_margin.value,
            lengths=lengths_of(self.criteria, name, weights, losses, self._score),
            ways={runtime: self._ways(runtime, eligible) for runtime in field},
            best=lambda names, sums: self._best_way(names, sums, vetoes),
        )
        account = Account(
            title=use_case.title,
            site=self.site.title,
            ranking=depending(ranking, found),
            scores={r: score for r, score in scores.items() if r in field or r not in self.modes},
            chances=chances,
            knocked_out={
                runtime: reasons
                for runtime, reasons in knocked_out.items()
                if reasons and runtime not in self.modes
            },
            waived={
                runtime: accepted
                for runtime in self.runtimes
                if (accepted := waived(runtime, families[runtime], findings[runtime], self.site, use_case))
            },
            not_measured={r: why for r, why in self.not_measured.items() if r in self.runtimes},
            unresolved={runtime: missing for runtime, missing in unresolved.items() if missing},
            weights_decide=self._weights_decide(ranking, field, weights),
            host_measured=self.host_measured,
            draws=method.draws.value,
            scenarios=found,
        )
        found_harms = {runtime: self._harms(name, runtime, weights) for runtime in account.order()}
        words = {
            runtime: self.criteria.word(account.standing(runtime), harm)
            for runtime, harm in found_harms.items()
        }
        verdicts = tuple(
            Verdict(
                site=self.site.id,
                use_case=name,
                runtime=runtime,
                standing=account.standing(runtime),
                score=scores[runtime],
                p_first=account.chance(runtime) if runtime in chances else None,
                word=words[runtime],
                cost=self._cost(account, runtime, name) if words[runtime] == "works" else "",
                reasons=(
                    *account.reasons(runtime),
                    *(found_harms[runtime].values() if words[runtime] == "avoid" else ()),
                ),
                contributions=totals[runtime][1],
            )
            for runtime in account.order()
        )
        return UseCaseDecision(
            site=self.site.id,
            use_case=name,
            answer=answer(account),
            brief=brief(account),
            asides=(*asides(account), *self._inapplicable(name), *self._borrowed(weights)),
            winner=account.ranking.winner,
            verdicts=verdicts,
            scenarios=found,
            spread=self._spread(ranking, weights),
            measured=self._measured(ranking, weights),
            modes=self._mode_scores(field, scores, knocked_out),
            measure_next=()
            if account.weights_decide
            else measure_next(
                weights,
                ranking,
                unresolved=unresolved,
                score=self._score,
                why=self._why,
                noise=self.noise,
            ),
            robustness=robustness(
                ranking.order,
                weights,
                self._score,
                drawn,
                method,
                groups={section.name: section.criteria for section in self.criteria.sections()},
            ),
            losses=self._lost(name, account.order()),
        )

    def _best_modes(
        self,
        eligible: tuple[str, ...],
        scores: Mapping[str, Score],
        vetoes: Mapping[str, tuple[str, ...]],
    ) -> tuple[str, ...]:
        """Leave of each family the best that nothing unknown could knock out; else the best of the others.

        Within the tie margin of it the plain way goes before a mode, and then the first by name.
        """
        families: dict[str, list[str]] = {}
        for runtime in eligible:
            families.setdefault(self.families.get(runtime, runtime), []).append(runtime)
        chosen = {self._best_way(every, scores, vetoes) for every in families.values()}
        return tuple(runtime for runtime in eligible if runtime in chosen)

    def _ways(self, runtime: str, eligible: tuple[str, ...]) -> tuple[str, ...]:
        """Every way to run the product of a runtime that may compete."""
        family = self.families.get(runtime, runtime)
        return tuple(each for each in eligible if self.families.get(each, each) == family)

    def _best_way(
        self, ways: Sequence[str], scores: Mapping[str, Score], vetoes: Mapping[str, tuple[str, ...]]
    ) -> str:
        clear = [way for way in ways if not vetoes[way]] or ways
        most = max(middle(scores[way]) for way in clear)
        margin = self.criteria.method.score_tie_margin.value
        alike = [way for way in clear if middle(scores[way]) >= most - margin]
        return min(alike, key=lambda way: (way in self.modes, -middle(scores[way]), way))

    def _mode_scores(
        self,
        field: tuple[str, ...],
        scores: Mapping[str, Score],
        knocked_out: Mapping[str, tuple[Reason, ...]],
    ) -> tuple[ModeScore, ...]:
        """Every way of each product that was measured in several."""
        measured = [runtime for runtime in self.runtimes if runtime not in self.not_measured]
        families = [self.families.get(runtime, runtime) for runtime in measured]

        def place(runtime: str) -> tuple[str, bool, bool, float, str]:
            family = self.families.get(runtime, runtime)
            return family, bool(knocked_out[runtime]), runtime not in field, -middle(scores[runtime]), runtime

        return tuple(
            ModeScore(
                runtime=runtime,
                family=self.families.get(runtime, runtime),
                base=mode.base if (mode := self.modes.get(runtime)) else "",
                options=mode.options if mode else (),
                score=scores[runtime],
                competes=runtime in field,
                knocked_out=tuple(reason.short for reason in knocked_out[runtime]),
            )
            for runtime in sorted(measured, key=place)
            if families.count(self.families.get(runtime, runtime)) > 1
        )

    def _lost(self, use_case: str, order: Sequence[str]) -> tuple[Loss, ...]:
        """What a unit of work loses in each runtime that is spoken of, in their order."""
        found = self.losses.get(use_case)
        by_runtime = {loss.runtime: loss for loss in found.losses} if found else {}
        return tuple(by_runtime[runtime] for runtime in order if runtime in by_runtime)

    def _score(self, criterion: str, runtime: str) -> Score:
        row = self.rows.get((criterion, runtime))
        return row.score if row else UNKNOWN

    def _findings(self, runtime: str) -> dict[str, Finding]:
        """What is known about a runtime, by criterion id."""
        return {
            name: row.finding for (name, owner), row in self.rows.items() if owner == runtime and row.finding
        }

    def _inapplicable(self, name: str) -> tuple[str, ...]:
        """Say of every objective that is weighed and cannot be had here that it weighs nothing."""
        weights, engine = self.criteria.use_cases[name].weights, self.site.batch.engine
        return tuple(
            f"{self.criteria.objectives[each].title} does not apply at {self.site.title} "
            f"({_clause(rule.reason)}): its {weights[each]:g} points weigh nothing there, for every "
            "runtime alike."
            for each, rule in self.criteria.not_applicable.items()
            if engine in rule.engines and each in self.criteria.objectives and weights.get(each, 0.0) > 0
        )

    def _borrowed(self, weights: Mapping[str, float]) -> tuple[str, ...]:
        """Say of how much of what is weighed another site's evidence stands in."""
        names = [name for name, weight in weights.items() if weight > 0]
        lent = {
            row.criterion: row.finding.borrowed
            for row in self.rows.values()
            if row.criterion in names and row.finding and row.finding.borrowed
        }
        if not lent:
            return ()
        whose = next(iter(lent.values()))
        origin = f"{whose.site}, run {whose.run}"
        said = f"For {len(lent)} of {len(names)} criteria evidence is borrowed from {origin}"
        return (f"{said}: its intervals are widened, and it neither knocks out nor clears.",)

    def _harms(self, name: str, runtime: str, weights: Mapping[str, float]) -> dict[Harm, str]:
        """Say what harm is known of a runtime, for what the use case cares for."""
        concerns = {criterion for criterion, weight in weights.items() if weight > 0}
        concerns |= {veto.criterion for veto in self.criteria.use_cases[name].knock_outs}
        probes = {self.criteria.criteria[criterion].probe: criterion for criterion in sorted(concerns)}
        losses = self.losses[name].losses if name in self.losses else ()
        return harms(
            self.criteria.words,
            exposures(runtime, probes, self.findings, self.families, self.site),
            next((loss for loss in losses if loss.runtime == runtime), None),
        )

    def _cost(self, account: Account, runtime: str, name: str) -> str:
        """Say what it costs to take a runtime that is behind: of the score, and of the time if known."""
        if account.standing(runtime) is not Standing.BEHIND:
            return ""
        leader = account.ranking.order[0]
        ours, theirs = account.scores[runtime], account.scores[leader]
        score = shares(max(0.0, theirs.low - ours.high), max(0.0, theirs.high - ours.low))
        losses = self.losses[name].losses if name in self.losses else ()
        lost = {loss.runtime: loss for loss in losses if loss.seconds is not None}
        work = self.criteria.use_cases[name].work
        surely = runtime in lost and leader in lost and lost[runtime].low > lost[leader].high
        if not work or not surely:
            return f"{score} of the score"
        more = lost[runtime].known_s - lost[leader].known_s
        return f"{score} of the score, and {lasting(more)} of each {work.unit}"

    def _simulate(
        self, field: tuple[str, ...], weights: Mapping[str, float], weight_range: float
    ) -> Simulation:
        return simulate(
            field,
            {(name, runtime): self._score(name, runtime) for name in weights for runtime in field},
            weights,
            self.noise,
            method=self.criteria.method,
            weight_range=weight_range,
        )

    def _spread(self, ranking: Ranking, weights: Mapping[str, float]) -> Interval | None:
        """Give the interval of the first score: what the blocks leave open, and what is missing."""
        if not ranking.order:
            return None
        drawn = self._simulate(ranking.order[:1], weights, 0.0)
        outside = (1 - self.criteria.method.confidence_level.value) / 2
        return Interval(
            estimate=float(np.median((drawn.low[0] + drawn.high[0]) / 2)),
            low=float(np.quantile(drawn.low[0], outside)),
            high=float(np.quantile(drawn.high[0], 1 - outside)),
        )

    def _measured(self, ranking: Ranking, weights: Mapping[str, float]) -> float:
        """Give the least share of the weight of which the site's own evidence tells, of those who lead."""
        points = math.fsum(weights.values())
        return min(
            (
                math.fsum(weight for name, weight in weights.items() if self._is_own(name, runtime)) / points
                for runtime in ranking.group
            ),
            default=0.0,
        )

    def _is_own(self, criterion: str, runtime: str) -> bool:
        row = self.rows.get((criterion, runtime))
        lent = row is not None and row.finding is not None and row.finding.borrowed is not None
        return row is not None and row.score.value is not None and not lent

    def _weights_decide(self, ranking: Ranking, field: tuple[str, ...], weights: Mapping[str, float]) -> bool:
        """Whether the declared weights taken as certain would make the first place sure enough."""
        if Standing.TOO_CLOSE not in ranking.standings.values():
            return False
        chances = self._simulate(field, weights, 0.0).chances()
        return max(chances.values()) >= self.criteria.method.p_first_bar.value

    def _why(self, criterion: str, runtime: str) -> str:
        row = self.rows.get((criterion, runtime))
        told = row and (row.told or (row.finding and row.finding.message))
        return f"now: {told}" if told else "not measured yet"


def _clause(sentence: str) -> str:
    """Write a sentence as it stands within another."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
