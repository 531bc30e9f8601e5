"""What the browser needs to decide again: scores, weights, noise, and the rules, as one JSON text.

Random numbers are not among it. The browser makes its own from the names of the criteria and the seed (see
``browser/what_if.js``), so that the draws cost no bytes and are the same for every reader.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from evaluation.decide.chances import taken_blocks
from evaluation.decide.criteria import Criteria, MeasuredCriterion, OutcomeCriterion, UseCase
from evaluation.decide.lengths import ENDS, length_score
from evaluation.decide.losses import STREAM
from evaluation.decide.objectives import Section
from evaluation.decide.value import credit_of_share
from evaluation.decide.whatif import Gaps, Table
from evaluation.model import CONTROL, CriterionRow, Finding, Outcome, Score, Standing, UseCaseDecision
from evaluation.report.packing import packed
from evaluation.report.rewriting import pieces
from evaluation.report.source import Case, SiteCase
from evaluation.report.text import in_short, visible
from evaluation.report.words import standing_state
from evaluation.shares import turns_again
from evaluation.statistics import log_ratios
from evaluation.units import within

__all__ = ["DRAWS", "data", "embedded", "shown_criteria", "shown_sections", "stability"]

DRAWS: Final = 4_000
"""Draws in the browser: they put the standard error of a chance below 0.008, and fit into one frame."""
RESAMPLES: Final = 1_000
"""Resamples of the blocks in the browser; the draws pair with them at random."""
BEYOND: Final = 0.5
"""How far beyond the ends of its scale a block is kept: the middle of two may come back onto it."""
STEPS: Final = 65_535


def stability(answer: UseCaseDecision) -> dict[str, tuple[float, float]]:
    """Between which points the leader stays first, all others as signed: of each weight, and of each section.

    A criterion of which no weight makes it first is not there; the upper end may be infinite.
    """
    held = answer.robustness
    ranges = (*held.groups, *held.stability) if held else ()
    return {each.criterion: (each.low, each.high) for each in ranges if not math.isnan(each.low)}


def shown_sections(criteria: Criteria) -> tuple[Section, ...]:
    """Every section with those of its criteria that have weight in some use case."""
    written = {n for use_case in criteria.use_cases.values() for n in use_case.weights}
    weighed = {n for name in criteria.use_cases for n, points in criteria.weights(name).items() if points}
    weighed |= {n for name in written & {*criteria.objectives} for n in criteria.objectives[name].shares}
    found = (
        replace(section, criteria=tuple(name for name in section.criteria if name in weighed))
        for section in criteria.sections()
    )
    return tuple(section for section in found if section.criteria)


def shown_criteria(criteria: Criteria) -> tuple[str, ...]:
    """Every criterion that has weight in some use case, by section."""
    return tuple(name for section in shown_sections(criteria) for name in section.criteria)


def data(case: Case, tables: Mapping[tuple[str, str], Table]) -> dict[str, Any]:
    """Gather what the browser needs.

    Parameters
    ----------
    case : Case
        What the report shows.
    tables : mapping of (str, str) to Table
        What was decided from, by the site's folder and the use case.

    Returns
    -------
    dict
        Plain JSON. Scores keep all their digits, so that sums here and there agree.
    """
    rules, names = case.criteria, shown_criteria(case.criteria)
    parts = shown_sections(rules)
    method = rules.method
    return {
        "signed": hashlib.sha256(case.criteria_text.encode()).hexdigest() if case.criteria_text else "",
        "file": packed(pieces(case.criteria_text, tuple(rules.use_cases))) if case.criteria_text else "",
        "method": {
            "bar": method.p_first_bar.value,
            "tie": method.score_tie_margin.value,
            "range": method.weight_range.value,
            "seed": method.seed.value,
            "draws": DRAWS,
            "resamples": RESAMPLES,
            "beyond": BEYOND,
            "steps": STEPS,
            "scenarios": [str(rule.change) for rule in rules.scenarios.values()],
        },
        "gaps": [str(gaps) for gaps in Gaps],
        "words": {
            str(standing): {"word": standing_state(standing).word, "tone": standing_state(standing).tone}
            for standing in Standing
        },
        "criteria": [
            {
                "id": name,
                "group": rules.criteria[name].group,
                "question": visible(rules.criteria[name].question),
            }
            for name in names
        ],
        "sections": [
            {
                "id": part.name,
                "members": [names.index(name) for name in part.criteria],
            }
            for part in parts
        ],
        "useCases": [
            {
                "id": name,
                "title": visible(use_case.title),
                "weights": [rules.weights(name).get(each) for each in names],
                "together": [part.name in use_case.weights for part in parts],
                "shares": [_shares(use_case, part) for part in parts],
            }
            for name, use_case in rules.use_cases.items()
        ],
        "sites": [
            {
                "title": visible(case.title(site)),
                "run": site.folder,
                "inapplicable": [names.index(name) for name in _inapplicable(case, site) if name in names],
                **_rows(rules, site, names, _runtimes(site, tables)),
                "answers": [
                    {
                        **_answer(answer, names, parts, tables[site.folder, answer.use_case]),
                        "lost": _lost(
                            rules, names, tables[site.folder, answer.use_case], _runtimes(site, tables)
                        ),
                    }
                    for answer in site.decision.use_cases
                ],
            }
            for site in case.measured
        ],
    }


def _shares(use_case: UseCase, part: Section) -> list[float] | None:
    """In which proportions an objective unfolds in a use case; a criterion without a part there has none."""
    if part.objective is None:
        return None
    own = use_case.shares.get(part.name, part.objective).shares
    return [own.get(name, 0.0) for name in part.criteria]


def _inapplicable(case: Case, site: SiteCase) -> list[str]:
    known = case.sites.get(site.site)
    return sorted(case.criteria.inapplicable(known.batch.engine)) if known else []


def embedded(found: Mapping[str, Any]) -> Markup:
    """Write data as JSON that can stand in a ``script`` element.

    No character of it can end the element or open a comment in it, and none that cannot be seen is left.
    """
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - nothing in it is markup any more


def _runtimes(site: SiteCase, tables: Mapping[tuple[str, str], Table]) -> tuple[str, ...]:
    found = {r for (folder, _), table in tables.items() if folder == site.folder for r in table.runtimes}
    return tuple(sorted(found))


def _rows(
    rules: Criteria, site: SiteCase, names: tuple[str, ...], runtimes: tuple[str, ...]
) -> dict[str, Any]:
    """Scores by criterion and runtime, and the blocks behind those that were measured with noise.

    With them stand the places, among all blocks of the probe, of those that this runtime has not. Of what
    held in some of the turns only: how likely at most so many hold the next time, and what none and all are
    worth.
    """
    every_row = [row for row in site.decision.rows if not row.use_case]
    rows = {(row.criterion, row.runtime): row for row in every_row if row.runtime != CONTROL}
    taken = taken_blocks(every_row)
    noise: list[list[object]] = []
    turns: list[list[object]] = []
    for at, name in enumerate(names):
        criterion = rules.criteria[name]
        if isinstance(criterion, OutcomeCriterion):
            turns += (
                [at, column, criterion.probe, _up_to(found), *_credits(criterion)]
                for column, runtime in enumerate(runtimes)
                if (row := rows.get((name, runtime)))
                and (found := row.finding)
                and row.score.value is not None
                and found.outcome is Outcome.SOMETIMES
            )
            continue
        if not isinstance(criterion, MeasuredCriterion):
            continue
        for column, runtime in enumerate(runtimes):
            row = rows.get((name, runtime))
            blocks = _positions(criterion, row) if row else None
            if row and row.finding and blocks is not None:
                every = taken[criterion.probe]
                lost = [place for place, block in enumerate(every) if block not in row.finding.blocks]
                noise.append([at, column, criterion.probe, blocks, lost])
    return {
        "runtimes": [visible(runtime) for runtime in runtimes],
        "scores": [
            [_score(rows[name, runtime].score if (name, runtime) in rows else None) for runtime in runtimes]
            for name in names
        ],
        "noise": noise,
        "turns": turns,
    }


def _lost(
    rules: Criteria, names: tuple[str, ...], on: Table, runtimes: tuple[str, ...]
) -> dict[str, object] | None:
    """Give the scores of the time lost in one use case, and the blocks behind them, as in `_rows`."""
    if rules.loss is None or rules.loss[0] not in names or on.losses is None:
        return None
    name, criterion = rules.loss
    at, every = names.index(name), on.losses.blocks
    noise = []
    for column, runtime in enumerate(runtimes):
        shares = on.losses.by_block.get(runtime, {})
        positions = _steps([criterion.scale.position(share) for share in shares.values()])
        if positions is not None:
            lost = [place for place, block in enumerate(every) if block not in shares]
            noise.append([at, column, STREAM, positions, lost])
    scores = [_score(on.scores.get((name, runtime))) for runtime in runtimes]
    known = {loss.runtime: loss for loss in on.losses.losses}
    lengths = [
        [
            _score(length_score(known[runtime], place, criterion) if runtime in known else None)
            for runtime in runtimes
        ]
        for _, place in ENDS
    ]
    return {"at": at, "scores": scores, "noise": noise, "lengths": lengths}


def _up_to(finding: Finding) -> list[float]:
    """Chance of at most so many turns to hold when as many are taken once more, from none to all."""
    return np.cumsum(turns_again(finding.held, finding.turns)).tolist()  # type: ignore[no-any-return]


def _credits(criterion: OutcomeCriterion) -> tuple[float, float]:
    """What it is worth to hold in no turn, and in every turn."""
    return credit_of_share(criterion, 0.0), credit_of_share(criterion, 1.0)


def _score(score: Score | None) -> float | list[float]:
    """Give a known score as a number, and an unknown one as its two ends."""
    if score is None:
        return [0.0, 1.0]
    return [score.low, score.high] if score.value is None else score.value


def _positions(criterion: MeasuredCriterion, row: CriterionRow) -> str | None:
    """Place every block on the scale, as two bytes each; nothing where resampling could change nothing."""
    finding = row.finding
    if row.score.value is None or finding is None or finding.outcome is not Outcome.MEASURED:
        return None
    if criterion.figure == "ratio":
        figures = np.exp(log_ratios(finding.samples, finding.control)).tolist()
    else:
        figures = list(finding.samples)
    return _steps([criterion.scale.position(figure) for figure in figures])


def _steps(positions: Sequence[float]) -> str | None:
    """Write places on a scale as two bytes each; nothing where all are one within its ends."""
    places = np.clip(positions, -BEYOND, 1 + BEYOND)
    if not len(places) or np.ptp(np.clip(places, 0, 1)) == 0:
        return None
    steps = np.round((places + BEYOND) / (1 + 2 * BEYOND) * STEPS).astype("<u2")
    return base64.b64encode(steps.tobytes()).decode("ascii")


def _answer(
    answer: UseCaseDecision, names: tuple[str, ...], parts: tuple[Section, ...], table: Table
) -> dict[str, Any]:
    """What was signed for one use case: standings and chances, who is out, what is not known of whom.

    A weight's range is ``[low, high, words]`` in points, ``high`` being null where no weight is too much; a
    section's is that of its criteria together.
    """
    verdicts = {verdict.runtime: verdict for verdict in answer.verdicts}
    ranges = stability(answer)

    def ends(name: str) -> list[float | str | None] | None:
        found = ranges.get(name)
        return found and [found[0], None if math.isinf(found[1]) else found[1], within(*found)]

    return {
        "order": [visible(runtime) for runtime in verdicts if runtime in table.runtimes],
        "standings": {visible(r): str(verdicts[r].standing) for r in table.runtimes if r in verdicts},
        "chances": {visible(r): verdicts[r].p_first for r in table.runtimes if r in verdicts},
        "knockedOut": {visible(r): visible(in_short(why)) for r, why in table.knocked_out.items()},
        "open": {visible(r): list(why) for r, why in table.unresolved.items()},
        "stability": [ends(name) for name in names],
        "sectionStability": [ends(part.name) for part in parts],
    }
