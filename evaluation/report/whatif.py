"""What the browser needs to decide again: scores, weights and what was signed, as one JSON text.

It sums up exactly, so that no random number is among it: how likely somebody is first is said of the signed
weights alone, as it was worked out for them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from markupsafe import Markup

from evaluation.decide.criteria import Criteria, Method, UseCase
from evaluation.decide.lengths import ENDS, length_score
from evaluation.decide.losses import UNEXPLAINED
from evaluation.decide.objectives import Section
from evaluation.decide.whatif import Gaps, Table
from evaluation.model import CONTROL, Loss, Score, Standing, UseCaseDecision
from evaluation.report.packing import packed
from evaluation.report.rewriting import pieces
from evaluation.report.source import Case, SiteCase
from evaluation.report.text import in_short, visible
from evaluation.report.words import standing_state
from evaluation.units import percent, within
from evaluation.workprofiles import WorkProfile

__all__ = ["data", "embedded", "shown_criteria", "shown_sections", "stability"]

FIRST: Final = "first"
"""The standing of who has the highest score with weights that nobody signed."""


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
    standings = {str(standing): standing_state(standing) for standing in Standing}
    first = {FIRST: {"word": FIRST, "tone": standings[Standing.RECOMMENDED].tone}}
    return {
        "signed": hashlib.sha256(case.criteria_text.encode()).hexdigest() if case.criteria_text else "",
        "file": packed(pieces(case.criteria_text, tuple(rules.use_cases))) if case.criteria_text else "",
        "points": rules.points.value if rules.points else None,
        "tie": rules.method.score_tie_margin.value,
        "scenarios": [str(rule.change) for rule in rules.scenarios.values()],
        "gaps": [str(gaps) for gaps in Gaps],
        "words": {name: {"word": state.word, "tone": state.tone} for name, state in standings.items()}
        | first,
        "criteria": [{"id": name} for name in names],
        "sections": [
            {
                "id": part.name,
                "title": visible(part.title),
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
                "inapplicable": [names.index(name) for name in _inapplicable(case, site) if name in names],
                **_rows(site, names, _runtimes(site, tables)),
                "answers": [
                    {
                        **_answer(answer, parts, tables[site.folder, answer.use_case], rules.method),
                        "lost": _lost(
                            rules,
                            answer.use_case,
                            tables[site.folder, answer.use_case],
                            _runtimes(site, tables),
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


def _rows(site: SiteCase, names: tuple[str, ...], runtimes: tuple[str, ...]) -> dict[str, Any]:
    """Scores by criterion and runtime."""
    every = (row for row in site.decision.rows if row.runtime != CONTROL and not row.use_case)
    rows = {(row.criterion, row.runtime): row.score for row in every}
    return {
        "runtimes": [visible(runtime) for runtime in runtimes],
        "scores": [[_score(rows.get((name, runtime))) for runtime in runtimes] for name in names],
    }


def _lost(rules: Criteria, use_case: str, on: Table, runtimes: tuple[str, ...]) -> dict[str, Any] | None:
    """Scores of the time lost in one use case, and what they are for a unit of any length.

    With the length a loss moves on a line; see `_line`.
    """
    work = rules.use_cases[use_case].work
    if rules.loss is None or on.losses is None or work is None:
        return None
    name, criterion = rules.loss
    known = {loss.runtime: loss for loss in on.losses.losses}
    lines = {runtime: _line(loss, work) for runtime, loss in known.items()}
    ends = [
        [
            _score(length_score(known[runtime], place, criterion) if runtime in known else None)
            for runtime in runtimes
        ]
        for _, place in ENDS
    ]
    return {
        "criterion": name,
        "scores": [_score(on.scores.get((name, runtime))) for runtime in runtimes],
        "scale": [criterion.scale.worst, criterion.scale.best],
        "unit": visible(work.unit),
        "lengths": [length for length, _ in on.losses.losses[0].lengths] if lines else [],
        "ends": ends,
        "lines": [lines.get(runtime) for runtime in runtimes],
    }


def _line(loss: Loss, work: WorkProfile) -> list[float]:
    """Give ``[base, least, least a second, most, most a second]`` of a unit's length, all in seconds.

    ``base`` is what the bare host takes for all that is counted, which no length changes.
    """
    length = loss.lengths[1][0]
    base = loss.unit_s - length
    ends = []
    for end in ("low", "high"):
        fixed = by_second = 0.0
        for part in loss.parts:
            seconds = getattr(part, end) if part.seconds is None else part.seconds
            if part.host_s is None and part.name != UNEXPLAINED:  # a share of the unit, as long as that is
                fixed, by_second = fixed + seconds * base / loss.unit_s, by_second + seconds / loss.unit_s
            elif part.name in work.computing:
                by_second += seconds / length
            else:
                fixed += seconds
        ends += [fixed, by_second]
    return [base, *ends]


def _score(score: Score | None) -> float | list[float]:
    """Give a known score as a number, and an unknown one as its two ends."""
    if score is None:
        return [0.0, 1.0]
    return [score.low, score.high] if score.value is None else score.value


def _answer(
    answer: UseCaseDecision, parts: tuple[Section, ...], table: Table, method: Method
) -> dict[str, Any]:
    """What was signed for one use case: standings and chances, who is out, what is not known of whom.

    The range of a section's weight is ``[low, high, words]`` in points, ``high`` being null where no weight
    is too much.
    """
    verdicts = {verdict.runtime: verdict for verdict in answer.verdicts}
    there = [runtime for runtime in verdicts if runtime in table.runtimes]
    gaps = any(verdicts[r].score.value is None for r in there if verdicts[r].p_first is not None)
    edge = 0.5 / method.draws.value
    ranges = stability(answer)

    def chance(p_first: float | None) -> str:
        """What was not seen in so many draws is rare, not impossible."""
        said = "" if p_first is None else percent(min(max(p_first, edge), 1 - edge))
        return f"\N{GREATER-THAN OR EQUAL TO} {said}" if said and gaps else said

    def ends(name: str) -> list[float | str | None] | None:
        found = ranges.get(name)
        return found and [found[0], None if math.isinf(found[1]) else found[1], within(*found)]

    return {
        "standings": {visible(r): str(verdicts[r].standing) for r in there},
        "chances": {visible(r): chance(verdicts[r].p_first) for r in there},
        "knockedOut": {visible(r): visible(in_short(why)) for r, why in table.knocked_out.items()},
        "open": {visible(r): list(why) for r, why in table.unresolved.items()},
        "stability": [ends(part.name) for part in parts],
    }
