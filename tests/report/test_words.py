"""Every state has a word, a tone and a meaning; so has every difference to the host."""

from __future__ import annotations

from dataclasses import replace

import pytest
from synthetic_findings import Findings

from evaluation.model import Comparison, Delta, Finding, Outcome, Severity, Standing
from evaluation.report.markup import TEMPLATES
from evaluation.report.words import DIFFERENCES, LEGEND, SEVERITIES, delta_state, standing_state, state

FINDING = next(
    item for item in Findings(blocks=3).items if (item.probe, item.runtime) == ("cold_start", "docker")
)


def outcome(outcome: Outcome, verdict: str = "", comparison: Comparison | None = None) -> Finding:
    return replace(FINDING, outcome=outcome, verdict=verdict, comparison=comparison)


@pytest.mark.parametrize(
    ("finding", "word"),
    [
        (None, "no finding"),
        (outcome(Outcome.HOLDS), "holds"),
        (outcome(Outcome.HOLDS, "DENIED"), "denied"),
        (outcome(Outcome.HOLDS, "ABSENT"), "absent"),
        (outcome(Outcome.FAILS, "EXPOSED"), "exposed"),
        (replace(outcome(Outcome.SOMETIMES), held=5, turns=6), "sometimes: 5 of 6"),
        (outcome(Outcome.INERT, "INERT"), "inert"),
        (outcome(Outcome.ERROR, "ERROR"), "probe error"),
        (outcome(Outcome.UNAVAILABLE), "not measured"),
        (outcome(Outcome.UNSUPPORTED), "unsupported"),
        (outcome(Outcome.MEASURED), "measured"),
        (outcome(Outcome.MEASURED, comparison=Comparison.WORSE), "worse"),
        (outcome(Outcome.MEASURED, comparison=Comparison.UNRESOLVED), "unresolved"),
        (replace(FINDING, runtime="host", comparison=Comparison.EQUIVALENT), "measured"),
    ],
)
def test_a_cell_has_one_word(finding: Finding | None, word: str) -> None:
    assert state(finding).word == word


@pytest.mark.parametrize("standing", Standing)
def test_a_standing_keeps_the_word_of_the_model(standing: Standing) -> None:
    assert standing_state(standing).word == standing.value


@pytest.mark.parametrize("delta", Delta)
def test_what_a_runtime_changes_is_said_in_the_words_of_the_model(delta: Delta) -> None:
    shown = delta_state(delta)
    assert shown in DIFFERENCES
    assert delta is Delta.UNKNOWN or delta.value in shown.meaning[0].lower() + shown.meaning[1:]


def test_every_severity_has_its_meaning() -> None:
    assert set(SEVERITIES) == set(Severity)


def test_every_tone_has_a_colour_and_a_shape_in_the_style_sheet() -> None:
    style = (TEMPLATES / "page" / "report.css").read_text(encoding="utf-8")
    for shown in (*LEGEND, *DIFFERENCES, *(standing_state(standing) for standing in Standing)):
        assert f":is(.state, i).{shown.tone}::before" in style
        assert f".{shown.tone}" in style.partition("--tone: var(--ink)")[0]


def test_no_two_words_of_the_legend_share_shape_and_colour() -> None:
    assert len({shown.tone for shown in LEGEND}) == len(LEGEND)
