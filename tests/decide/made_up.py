"""Criteria, a site and findings made up for the tests: four runtimes, four criteria, one use case."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evaluation.decide.answerrules import Change, Harm
from evaluation.decide.criteria import Criteria
from evaluation.model import Finding, Outcome, ProbeTexts, Standing
from evaluation.sites import Site
from evaluation.statistics import median_interval, paired_ratio

WEIGHTS: dict[str, float] = {"start": 40.0, "rate": 30.0, "tidy": 20.0, "safe": 10.0}
WORDS = (
    {"word": "adopt", "standings": (Standing.RECOMMENDED, Standing.TIED), "reason": "a test"},
    {"word": "trial", "standings": (Standing.DEPENDS, Standing.TOO_CLOSE), "reason": "a test"},
    {"word": "assess", "standings": (Standing.UNDECIDED, Standing.NOT_MEASURED), "reason": "a test"},
    {"word": "avoid", "standings": (Standing.KNOCKED_OUT,), "reason": "a test"},
    {"word": "avoid", "standings": (Standing.BEHIND,), "harm": Harm.EXPOSURE, "reason": "a test"},
    {"word": "works", "standings": (Standing.BEHIND,), "reason": "a test"},
)
UNITS = {"start": "s", "rate": "loops/s", "tidy": "", "safe": ""}


def constants(**changed: float | str) -> dict[str, Any]:
    """The method's constants, each with a reason, and small enough for quick tests."""
    values: dict[str, float | str] = {
        "confidence_level": 0.95,
        "bootstrap_resamples": 400,
        "indifference_margin": 0.05,
        "correction": "holm",
        "p_first_bar": 0.9,
        "weight_range": 0.5,
        "draws": 2000,
        "score_tie_margin": 0.02,
        "seed": 1,
        "promethee_indifference": 0.02,
        "promethee_preference": 0.3,
    }
    return {name: {"value": value, "reason": "a test"} for name, value in (values | changed).items()}


def criteria(
    weights: Mapping[str, float] | None = None,
    knock_outs: Sequence[str] = (),
    *,
    start_unit: str = "s",
    scenarios: Sequence[Change] = (),
    **method: float | str,
) -> Criteria:
    """One use case named ``work``; ``knock_outs`` are criteria that end a candidacy when they fail."""
    words = {"question": "?", "source": "a test"}
    outcome = {
        **words,
        "group": "operations",
        "figure": "outcome",
        "outcomes": {Outcome.HOLDS: 1.0, Outcome.FAILS: 0.0, Outcome.UNSUPPORTED: 0.0},
        "reason": "a test",
    }
    measured = {**words, "group": "performance"}
    return Criteria.model_validate(
        {
            "method": constants(**method),
            "criteria": {
                "start": {
                    **measured,
                    "probe": "start",
                    "figure": "value",
                    "direction": "minimise",
                    "unit": start_unit,
                    "scale": {"worst": 10.0, "best": 0.1, "spacing": "log", "reason": "a test"},
                },
                "rate": {
                    **measured,
                    "probe": "rate",
                    "figure": "ratio",
                    "direction": "maximise",
                    "unit": "1",
                    "scale": {"worst": 0.0, "best": 1.0, "spacing": "linear", "reason": "a test"},
                },
                "tidy": {**outcome, "probe": "tidy"},
                "safe": {**outcome, "probe": "safe", "group": "security"},
            },
            "words": WORDS,
            "scenarios": {
                str(change).replace(" ", "-"): {"change": change, "reason": "a test"} for change in scenarios
            },
            "use_cases": {
                "work": {
                    "title": "Work",
                    "story": "a test",
                    "weights": dict(WEIGHTS if weights is None else weights),
                    "knock_outs": tuple(
                        {
                            "criterion": name,
                            "when": Outcome.FAILS,
                            "reason": f"{name} is a must",
                            "source": "a test",
                        }
                        for name in knock_outs
                    ),
                }
            },
        }
    )


def site(*knock_outs: Mapping[str, str | Outcome], accepts: Sequence[Mapping[str, str]] = ()) -> Site:
    """A site, with a policy if rules are given; ``accepts`` are exposures that it does not mind."""
    return Site.model_validate(
        {
            "id": "here",
            "title": "Here",
            "status": "measured-here",
            "batch": {"engine": "local"},
            "policy": {
                "knock_outs": tuple({"reason": "not here", "source": "a test", **r} for r in knock_outs),
                "accepts": tuple({"reason": "alone here", "source": "a test", **r} for r in accepts),
            },
        }
    )


def finding(runtime: str, probe: str, outcome: Outcome, message: str = "as seen") -> Finding:
    """A finding without figures."""
    texts = ProbeTexts(
        question="?",
        why="",
        method="",
        remedy="",
        group="operations",
        unit=UNITS.get(probe, "s"),
        checklist_id="P00",
    )
    return Finding(
        site="here",
        run="today",
        runtime=runtime,
        probe=probe,
        probe_version=1,
        outcome=outcome,
        message=message,
        texts=texts,
        image_digest="" if runtime == "host" else "sha256:1",
    )


def measured(
    runtime: str, probe: str, middle: float, *, control: float = 1.0, noise: float = 0.01, blocks: int = 12
) -> Finding:
    """A measured finding: paired blocks round a middle, with a fixed scatter of that relative size."""
    ranks = (np.arange(blocks) - (blocks - 1) / 2) / blocks
    rng = np.random.default_rng(zlib.crc32(f"{runtime} {probe}".encode()))
    ours = tuple(float(value) for value in middle * np.exp(noise * rng.permutation(ranks)))
    theirs = (control,) * blocks
    return replace(
        finding(runtime, probe, Outcome.MEASURED),
        blocks=tuple(range(blocks)),
        samples=ours,
        control=theirs,
        value=median_interval(ours, confidence=0.95),
        ratio=paired_ratio(ours, theirs, confidence=0.95),
    )


def row(
    runtime: str,
    *,
    start: float | None = 1.0,
    rate: float | None = 0.9,
    tidy: Outcome | None = Outcome.HOLDS,
    safe: Outcome | None = Outcome.HOLDS,
    noise: float = 0.01,
) -> tuple[Finding, ...]:
    """All findings of one runtime; ``None`` leaves one out."""
    found = [
        measured(runtime, probe, middle, noise=noise)
        for probe, middle in (("start", start), ("rate", rate))
        if middle is not None
    ]
    found += [
        finding(runtime, probe, outcome)
        for probe, outcome in (("tidy", tidy), ("safe", safe))
        if outcome is not None
    ]
    return tuple(found)


def absent(runtime: str, why: str = "not installed") -> tuple[Finding, ...]:
    """The findings of a runtime that is not here."""
    return tuple(finding(runtime, probe, Outcome.UNAVAILABLE, why) for probe in WEIGHTS)
