"""What no criteria file may say, told by hand and without the project's own code: an oracle for its reader.

It sees plain values. Mappings are lists of pairs here, so that a key can stand in one twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Plain = Any
"""Text, numbers, truth values, nothing, lists, and `Pairs` for mappings."""

OUTCOMES: Final = ("HOLDS", "FAILS", "UNSUPPORTED")
STANDINGS: Final = (
    "recommended", "tied", "depends", "too close to call", "undecided", "behind", "knocked out",
    "not measured here",
)  # fmt: skip
CHANGES: Final = (
    "objectives alike", "each objective left out", "unmeasured at worst", "unmeasured at best",
    "short and long units", "each site",
)  # fmt: skip
DOUBTS: Final = (
    "not the reader's machine", "one machine only", "virtual or shared nodes",
    "interval wider than the margin", "weight not measured", "sites disagree", "older than the age limit",
    "local disk in place of a shared one",
)  # fmt: skip
ENGINES: Final = ("local", "slurm", "gridengine", "lsf", "pbs", "htcondor", "unknown")
AREAS: Final = ("performance", "operations", "security", "batch")


class Pairs(list[tuple[str, Any]]):
    """A mapping as it is written: in order, and with every key as often as it stands there."""

    def get(self, key: str) -> Plain:
        """Return the first value under a key."""
        return next((value for name, value in self if name == key), None)

    def has(self, key: str) -> bool:
        """Whether a key stands there, whatever is under it."""
        return key in self.keys()

    def keys(self) -> list[str]:
        """Return all keys, as often as they stand there."""
        return [name for name, _ in self]


def number(value: Plain) -> bool:
    """Whether it is one that can be reckoned with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def nonsense(data: Plain) -> list[str]:
    """Name what is wrong; nothing where the file makes sense."""
    return list(_file(data))


def _words(value: Plain) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _shape(data: Plain, where: str, needed: str, optional: str = "") -> Iterator[str]:
    """Whether it is a mapping with these keys, each once."""
    if not isinstance(data, Pairs):
        yield f"{where}: no mapping"
        return
    keys, allowed = data.keys(), {*needed.split(), *optional.split()}
    yield from (f"{where}: twice {key}" for key in {*keys} if keys.count(key) > 1)
    yield from (f"{where}: unknown {key}" for key in {*keys} - allowed)
    yield from (f"{where}: missing {key}" for key in {*needed.split()} - {*keys})


def _texts(data: Pairs, where: str, keys: str, optional: str = "") -> Iterator[str]:
    yield from (f"{where}.{key}: no words" for key in keys.split() if not _words(data.get(key)))
    yield from (
        f"{where}.{key}: no words"
        for key in optional.split()
        if data.get(key) is not None and not _words(data.get(key))
    )


def _named(data: Plain) -> Iterator[tuple[str, Plain]]:
    if isinstance(data, Pairs):
        yield from data


def _names(data: Plain, where: str, *, least: int = 1) -> Iterator[str]:
    """Whether it is a mapping of ids."""
    if not isinstance(data, Pairs) or len(data) < least:
        yield f"{where}: no mapping of at least {least}"
        return
    names, pattern = data.keys(), re.compile("[a-z0-9][a-z0-9_-]*")
    yield from (f"{where}: twice {name}" for name in {*names} if names.count(name) > 1)
    yield from (f"{where}: no id {name!r}" for name in names if not pattern.fullmatch(name))


_CONSTANTS: Final[Mapping[str, Callable[[Plain], bool]]] = {
    **dict.fromkeys(
        ("confidence_level", "indifference_margin", "weight_range"), lambda v: number(v) and 0 < v < 1
    ),
    "bootstrap_resamples": lambda v: isinstance(v, int) and number(v) and 100 <= v <= 1_000_000,
    "draws": lambda v: isinstance(v, int) and number(v) and 1_000 <= v <= 10_000_000,
    "seed": lambda v: isinstance(v, int) and number(v) and v >= 0,
    "correction": lambda v: v == "holm",
    "p_first_bar": lambda v: number(v) and 0.5 < v < 1,
    "score_tie_margin": lambda v: number(v) and 0 <= v < 1,
    "promethee_indifference": lambda v: number(v) and 0 <= v < 1,
    "promethee_preference": lambda v: number(v) and 0 < v <= 1,
}


def _months(value: Plain) -> bool:
    return isinstance(value, int) and number(value) and 1 <= value <= 600


def _constant(data: Plain, where: str, fits: Callable[[Plain], bool]) -> Iterator[str]:
    yield from (found := list(_shape(data, where, "value reason", "source")))
    if isinstance(data, Pairs) and not found:
        yield from _texts(data, where, "reason", "source")
        if not fits(data.get("value")):
            yield f"{where}: {data.get('value')!r} cannot be its value"


def _file(data: Plain) -> Iterator[str]:
    yield from (
        found := list(
            _shape(
                data,
                "file",
                "method criteria use_cases words",
                "objectives not_applicable scenarios confidence",
            )
        )
    )
    if found:
        return
    method = data.get("method")
    yield from (found := list(_shape(method, "method", " ".join(_CONSTANTS), "fact_age_months")))
    if not found:
        for name, fits in _CONSTANTS.items():
            yield from _constant(method.get(name), f"method.{name}", fits)
        if method.get("fact_age_months") is not None:
            yield from _constant(method.get("fact_age_months"), "fact_age_months", _months)
        yield from _thresholds(method)
    yield from _names(data.get("criteria"), "criteria")
    for name, row in _named(data.get("criteria")):
        yield from _criterion(row, f"criteria.{name}")
    yield from _word_rules(data.get("words"))
    groups = data.get("objectives")
    yield from _beside(data)
    criteria = dict(_named(data.get("criteria")))
    yield from _objectives(groups, criteria)
    yield from _names(data.get("use_cases"), "use_cases")
    for name, row in _named(data.get("use_cases")):
        yield from _use_case(row, f"use_cases.{name}", criteria, dict(_named(groups)))


def _beside(data: Pairs) -> Iterator[str]:
    """What a file may have beside what it must."""
    if data.has("scenarios"):
        yield from _scenarios(data.get("scenarios"))
    if data.get("confidence") is not None:
        yield from _confidence(data.get("confidence"))
    if data.has("objectives"):
        yield from _names(data.get("objectives"), "objectives", least=0)
    if data.has("not_applicable"):
        yield from _not_applicable(data.get("not_applicable"), dict(_named(data.get("objectives"))))


def _thresholds(method: Pairs) -> Iterator[str]:
    ends = [method.get(f"promethee_{name}") for name in ("indifference", "preference")]
    low, high = (end.get("value") if isinstance(end, Pairs) else None for end in ends)
    if low is not None and high is not None and number(low) and number(high) and high <= low:
        yield "method: preference within indifference"


def _criterion(row: Plain, where: str) -> Iterator[str]:
    outcome = isinstance(row, Pairs) and row.get("figure") == "outcome"
    own = "outcomes reason" if outcome else "direction unit scale"
    needed = f"question group probe source figure {own}"
    yield from (found := list(_shape(row, where, needed, "" if outcome else "margin")))
    if found:
        return
    yield from _texts(row, where, "question probe source" + (" reason" if outcome else " unit"))
    if row.get("group") not in AREAS:
        yield f"{where}.group: no area"
    if outcome:
        worths = row.get("outcomes")
        yield from (found := list(_shape(worths, f"{where}.outcomes", " ".join(OUTCOMES))))
        if not found and not all(number(worth) and 0 <= worth <= 1 for _, worth in worths):
            yield f"{where}.outcomes: a credit outside 0..1"
        return
    if row.get("figure") not in ("value", "ratio"):
        yield f"{where}.figure: unknown"
    if row.get("direction") not in ("maximise", "minimise"):
        yield f"{where}.direction: unknown"
    if row.get("figure") == "ratio" and row.get("unit") != "1":
        yield f"{where}.unit: a ratio has none"
    if row.get("margin") is not None:
        yield from _constant(row.get("margin"), f"{where}.margin", lambda v: number(v) and 0 < v < 1)
    yield from _scale(row.get("scale"), f"{where}.scale", row.get("direction"))


def _scale(scale: Plain, where: str, direction: Plain) -> Iterator[str]:
    yield from (found := list(_shape(scale, where, "worst best spacing reason")))
    if found:
        return
    yield from _texts(scale, where, "reason")
    worst, best, spacing = (scale.get(key) for key in ("worst", "best", "spacing"))
    if spacing not in ("linear", "log"):
        yield f"{where}.spacing: unknown"
    if not all(number(end) and abs(end) <= 1e18 for end in (worst, best)):
        yield f"{where}: an end is no number to reckon with"
        return
    if abs(worst - best) <= max(1e-18, 1e-9 * max(abs(worst), abs(best))):
        yield f"{where}: no length"
    elif direction in ("maximise", "minimise") and (best > worst) != (direction == "maximise"):
        yield f"{where}: points the wrong way"
    elif spacing == "log" and min(worst, best) < 1e-18:
        yield f"{where}: no logarithm"


def _word_rules(rules: Plain) -> Iterator[str]:
    if not isinstance(rules, list) or isinstance(rules, Pairs) or not rules:
        yield "words: no list"
        return
    always: set[str] = set()
    for rule in rules:
        yield from (found := list(_shape(rule, "words", "word standings reason", "harm above")))
        if found:
            return
        yield from _texts(rule, "words", "reason")
        standings, harm, above = (rule.get(key) for key in ("standings", "harm", "above"))
        if rule.get("word") not in ("adopt", "trial", "assess", "works", "avoid"):
            yield "words.word: unknown"
        if not isinstance(standings, list) or not standings or any(s not in STANDINGS for s in standings):
            yield "words.standings: unknown"
            return
        if harm not in (None, "exposure", "loss") or (harm == "loss") != (above is not None):
            yield "words.harm: none"
        if above is not None and not (number(above) and 0 < above <= 1):
            yield "words.above: no share"
        if rule.get("word") == "avoid" and harm is None and {*standings} != {"knocked out"}:
            yield "words: avoid without a harm"
        always |= {*standings} if harm is None else set()
    yield from (f"words: nothing for {standing}" for standing in {*STANDINGS} - always)


def _confidence(rule: Plain) -> Iterator[str]:
    yield from (found := list(_shape(rule, "confidence", "measured_share example steps")))
    if found:
        return
    yield from _constant(rule.get("measured_share"), "confidence", lambda v: number(v) and 0 < v <= 1)
    words = ("high", "moderate", "low", "very low")
    yield from _constant(rule.get("example"), "confidence", lambda v: v in words)
    steps = rule.get("steps")
    if not isinstance(steps, Pairs) or not steps:
        yield "confidence.steps: no mapping of at least 1"
        return
    keys = steps.keys()
    yield from (f"confidence.steps: twice {name}" for name in {*keys} if keys.count(name) > 1)
    yield from (f"confidence.steps: no doubt {name!r}" for name in keys if name not in DOUBTS)
    yield from (f"confidence.steps.{name}: no words" for name, words in steps if not _words(words))


def _scenarios(rules: Plain) -> Iterator[str]:
    yield from _names(rules, "scenarios", least=0)
    seen = []
    for name, rule in _named(rules):
        yield from (found := list(_shape(rule, f"scenarios.{name}", "change reason")))
        if found:
            continue
        yield from _texts(rule, f"scenarios.{name}", "reason")
        if rule.get("change") not in CHANGES:
            yield f"scenarios.{name}: no change"
        seen.append(rule.get("change"))
    if len(seen) > len({str(change) for change in seen}):
        yield "scenarios: one change twice"


def _objectives(objectives: Plain, criteria: Mapping[str, Plain]) -> Iterator[str]:
    seen: list[str] = []
    if isinstance(objectives, Pairs) and len(objectives) > 6:
        yield "objectives: more than six"
    for name, row in _named(objectives):
        where = f"objectives.{name}"
        if name in criteria or name in AREAS:
            yield f"{where}: the name is taken"
        yield from (found := list(_shape(row, where, "title reason shares")))
        if found:
            continue
        yield from _texts(row, where, "title reason")
        yield from _shares(row.get("shares"), where)
        seen += _members(row)
    yield from (f"objectives: no criterion {name}" for name in seen if name not in criteria)
    yield from (f"objectives: twice {name}" for name in {*seen} if seen.count(name) > 1)


def _shares(shares: Plain, where: str) -> Iterator[str]:
    yield from _names(shares, where)
    if isinstance(shares, Pairs):
        yield from (f"{where}: a share" for _, each in shares if not (number(each) and 0.001 <= each <= 1000))


def _members(row: Plain) -> list[str]:
    shares = row.get("shares") if isinstance(row, Pairs) else None
    return shares.keys() if isinstance(shares, Pairs) else []


def _not_applicable(rules: Plain, objectives: Mapping[str, Plain]) -> Iterator[str]:
    yield from _names(rules, "not_applicable", least=0)
    for name, rule in _named(rules):
        if name not in objectives:
            yield f"not_applicable: no objective {name}"
        yield from (found := list(_shape(rule, f"not_applicable.{name}", "engines reason")))
        if found:
            continue
        yield from _texts(rule, f"not_applicable.{name}", "reason")
        engines = rule.get("engines")
        if not isinstance(engines, list) or isinstance(engines, Pairs) or not engines:
            yield "not_applicable: no list of engines"
        elif any(engine not in ENGINES for engine in engines):
            yield "not_applicable: no engine"


def _own_shares(own: Plain, where: str, objectives: Mapping[str, Plain]) -> Iterator[str]:
    yield from _names(own, where, least=0)
    for name, row in _named(own):
        if name not in objectives:
            yield f"{where}: no objective {name}"
        yield from (found := list(_shape(row, f"{where}.{name}", "reason shares")))
        if found:
            continue
        yield from _texts(row, where, "reason")
        yield from _shares(row.get("shares"), where)
        if name in objectives:
            inside = _members(objectives[name])
            yield from (f"{where}: {each} is not in {name}" for each in _members(row) if each not in inside)


def _use_case(
    row: Plain, where: str, criteria: Mapping[str, Plain], groups: Mapping[str, Plain]
) -> Iterator[str]:
    yield from (found := list(_shape(row, where, "title story weights", "knock_outs shares")))
    if found:
        return
    yield from _texts(row, where, "title story")
    weights = row.get("weights")
    yield from _names(weights, f"{where}.weights")
    if isinstance(weights, Pairs):
        points = [each for _, each in weights]
        if not all(number(each) and 0 <= each <= 1_000_000 for each in points):
            yield f"{where}.weights: no points"
        elif not any(points):
            yield f"{where}.weights: weighs nothing"
        names = weights.keys()
        yield from (f"{where}: nothing named {n}" for n in names if n not in criteria and n not in groups)
        inside = [member for name in names if name in groups for member in _members(groups[name])]
        yield from (f"{where}: weighed both ways {name}" for name in names if name in inside)
        owned = [member for row in groups.values() for member in _members(row)]
        if owned:
            yield from (f"{where}: in no objective {n}" for n in names if n in criteria and n not in owned)
    if row.has("shares"):
        yield from _own_shares(row.get("shares"), f"{where}.shares", groups)
    if row.has("knock_outs"):
        yield from _knock_outs(row.get("knock_outs"), where, criteria)


def _knock_outs(rules: Plain, where: str, criteria: Mapping[str, Plain]) -> Iterator[str]:
    if not isinstance(rules, list) or isinstance(rules, Pairs):
        yield f"{where}.knock_outs: no list"
        return
    for rule in rules:
        yield from (found := list(_shape(rule, f"{where}.knock_outs", "criterion when reason source")))
        if found:
            return
        yield from _texts(rule, where, "criterion reason source")
        named = rule.get("criterion")
        if rule.get("when") not in ("FAILS", "UNSUPPORTED"):
            yield f"{where}.when: unknown"
        if not isinstance(named, str) or named not in criteria:
            yield f"{where}.knock_outs: no criterion {named!r}"
        elif isinstance(criteria[named], Pairs) and criteria[named].get("figure") in ("value", "ratio"):
            yield f"{where}.knock_outs: {named} never fails"
