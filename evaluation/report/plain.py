"""The answer without a page: Markdown for a pull request, JSON for a script, CSV for a spreadsheet."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Final

from evaluation.model import Score, SiteDecision, UseCaseDecision, Verdict
from evaluation.report.losswords import lost, share_lost, together
from evaluation.report.source import Case, SiteCase
from evaluation.report.spreadsheet import as_csv
from evaluation.report.text import visible
from evaluation.report.words import score_text, word_text
from evaluation.units import percent

__all__ = ["FORMATS", "written"]

FORMATS = ("md", "json", "csv")

_COLUMNS = (
    "site", "run", "use_case", "runtime", "word", "standing", "score", "low", "high", "p_first",
    "first_in", "scenarios", "confidence", "reason", "unit_s", "lost_s", "lost_low_s", "lost_high_s",
)  # fmt: skip


_REPLACED: Final = {"<": "&lt;", "&": "&amp;", "@": "@<!-- -->"}
"""What a backslash does not help against. An address and a name that is mentioned are looked for in the text
that has been read already: a comment parts them."""
_MARKUP: Final = re.compile(
    r"[\\`*\[\]|~$<@]|&(?=#?\w+;)|!(?=\[)|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=[wW]{3})\."
)
"""What Markdown reads wherever it stands; an underscore in the middle of a word it does not read."""
_AT_THE_START: Final = re.compile(r"^(?:(\d+)(?=[.)](?:\s|$))|(?=[#>+=-]))")
"""What it reads at the start of a line: a heading, a quotation, a list, a rule."""


def written(case: Case, form: str) -> str:
    """Write what was decided in one of `FORMATS`."""
    return {"md": _markdown, "json": _json, "csv": _csv}[form](case)


def _markdown(case: Case) -> str:
    return "\n".join(line for site in case.measured for line in _site(case, site))


def _site(case: Case, site: SiteCase) -> Iterator[str]:
    yield f"## {_cell(case.title(site))}"
    yield ""
    facts = site.manifest
    name = visible(site.folder).replace("`", "'")
    yield f"Run `{name}`, profile {_cell(facts.profile)}, {_cell(facts.started_at)}."
    for decision in site.decision.use_cases:
        yield ""
        yield f"### {_cell(case.criteria.use_cases[decision.use_case].title)}"
        yield ""
        yield _cell(decision.sentence)
        yield from _confidence(decision)
        yield ""
        gaps = any(v.score.value is None for v in decision.verdicts if v.p_first is not None)
        yield "| Runtime | Word | Standing | Score | P(first) |"
        yield "| --- | --- | --- | --- | --- |"
        for verdict in decision.verdicts:
            yield (
                f"| {_cell(verdict.runtime)} | {_cell(word_text(verdict))} | {verdict.standing} "
                f"| {score_text(verdict.score)} | {_chance(verdict, at_least=gaps)} |"
            )
        if decision.losses:
            yield ""
            yield from _losses(decision)
        yield from _scenarios(decision)
        if decision.measure_next:
            yield ""
            yield "What to measure next:"
            yield ""
            yield from (f"- {_cell(str(item))}" for item in decision.measure_next)
    yield ""


def _losses(decision: UseCaseDecision) -> Iterator[str]:
    yield "| Runtime | Time lost in one unit | Share of it | By 1,000 units |"
    yield "| --- | --- | --- | --- |"
    for loss in decision.losses:
        words = (loss.runtime, lost(loss), share_lost(loss), together(loss, 1000))
        yield f"| {' | '.join(map(_cell, words))} |"


def _confidence(decision: UseCaseDecision) -> Iterator[str]:
    """How good the evidence is, and each doubt."""
    found = decision.confidence
    if found is None:
        return
    yield ""
    doubts = _cell("; ".join(doubt.note for doubt in found.doubts)) or "no doubt that is looked for was found"
    yield f"Confidence: {_cell(found.word)}{' (an example)' if found.example else ''}: {doubts}."


def _scenarios(decision: UseCaseDecision) -> Iterator[str]:
    """Who is first as signed and under every declared change, with the scores by which."""
    if len(decision.scenarios) < 2:
        return
    yield ""
    yield "| Scenario | First | Score | Agrees |"
    yield "| --- | --- | --- | --- |"
    for scenario in decision.scenarios:
        scores = dict(scenario.scores)
        names = ", ".join(scenario.leaders)
        worth = ", ".join(score_text(scores[name]) for name in scenario.leaders)
        yield f"| {_cell(scenario.title)} | {_cell(names)} | {worth} | {'yes' if scenario.agrees else 'no'} |"


def _cell(text: str) -> str:
    """Text that neither ends a cell or a line nor is read as markup, as a link or as a formula.

    Source: CommonMark 0.31, 2.4 (any ASCII punctuation may stand behind a backslash), and GitHub's additions.
    """
    line = visible(text).replace("\n", " ").replace("\t", " ").strip(" ")
    return _AT_THE_START.sub(lambda found: f"{found[1] or ''}\\", _MARKUP.sub(_escaped, line))


def _escaped(found: re.Match[str]) -> str:
    return _REPLACED.get(found[0], f"\\{found[0]}")


def _chance(verdict: Verdict, *, at_least: bool) -> str:
    """Where evidence is missing, of anybody, it is a lower bound: and none at all is no statement."""
    if verdict.p_first is None or (at_least and not verdict.p_first):
        return ""
    return ("at least " if at_least else "") + percent(verdict.p_first)


def _json(case: Case) -> str:
    sites = [
        {
            "site": site.site,
            "run": site.folder,
            "profile": site.manifest.profile,
            "started_at": site.manifest.started_at,
            "use_cases": [_use_case(decision) for decision in site.decision.use_cases],
            "criteria": _criteria(site.decision),
        }
        for site in case.measured
    ]
    return json.dumps({"sites": sites}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _use_case(decision: UseCaseDecision) -> dict[str, object]:
    held = decision.robustness
    return {
        "use_case": decision.use_case,
        "answer": decision.answer,
        "sentence": decision.sentence,
        "winner": decision.winner,
        "verdicts": [_verdict(verdict) for verdict in decision.verdicts],
        "confidence": asdict(decision.confidence) if decision.confidence else None,
        "scenarios": [asdict(each) | {"scores": _by_name(each.scores)} for each in decision.scenarios],
        "measure_next": [str(missing) for missing in decision.measure_next],
        "stability": [
            {
                "criterion": item.criterion,
                "weight": item.weight,
                "low": _finite(item.low),
                "high": _finite(item.high),
            }
            for item in (held.stability if held else ())
        ],
        "opinions": {name: dict(values) for name, values in (held.methods if held else ())},
        "losses": [
            {name: value for name, value in asdict(loss).items() if name != "use_case"}
            for loss in decision.losses
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, object]:
    row = asdict(verdict)
    row["contributions"] = _by_name(verdict.contributions)
    return {name: value for name, value in row.items() if name not in {"site", "use_case"}}


def _by_name(scores: Iterable[tuple[str, Score]]) -> dict[str, object]:
    return {name: asdict(score) for name, score in scores}


def _finite(number: float) -> float | None:
    """JSON knows neither infinity nor what is no number: ``null`` is no bound."""
    return number if math.isfinite(number) else None


def _criteria(decision: SiteDecision) -> list[dict[str, object]]:
    return [
        {
            "criterion": row.criterion,
            "use_case": row.use_case,
            "runtime": row.runtime,
            **asdict(row.score),
            "outcome": row.finding.outcome if row.finding else None,
            "message": row.told or (row.finding.message if row.finding else None),
        }
        for row in decision.rows
    ]


def _first_in(decision: UseCaseDecision, verdict: Verdict) -> tuple[str, int]:
    """In which declared scenarios a runtime is first, alone or among others, and how many there are."""
    found = [each.name for each in decision.scenarios if verdict.runtime in each.leaders]
    return "; ".join(found), len(decision.scenarios)


def _csv(case: Case) -> str:
    rows = (
        (
            site.site, site.manifest.run, decision.use_case, verdict.runtime, word_text(verdict),
            verdict.standing, verdict.score.value, verdict.score.low, verdict.score.high, verdict.p_first,
            *_first_in(decision, verdict),
            decision.confidence.word if decision.confidence else None,
            "; ".join(verdict.reasons), *_lost(decision, verdict.runtime),
        )
        for site in case.measured
        for decision in site.decision.use_cases
        for verdict in decision.verdicts
    )  # fmt: skip
    return as_csv(_COLUMNS, rows)


def _lost(decision: UseCaseDecision, runtime: str) -> tuple[float | None, ...]:
    """Give a unit's length and what it loses in seconds, with the ends; empty where it is not known."""
    loss = next((loss for loss in decision.losses if loss.runtime == runtime), None)
    return (loss.unit_s, loss.seconds, loss.low, loss.high) if loss else (None,) * 4
