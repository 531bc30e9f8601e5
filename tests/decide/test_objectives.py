"""Objectives: how they unfold, where they do not apply, and what cannot be meant."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import criteria, row, site

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.objectives import Objective, OwnShares, unfold, unfolded
from evaluation.decide.score import decide
from evaluation.errors import Fault, FaultyDocumentError
from evaluation.model import Outcome, UseCaseDecision
from evaluation.sites import Site

SHIPPED = Path(__file__).parents[2] / "criteria.yaml"
TEXT = SHIPPED.read_text()
shares = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.floats(0.001, 1000), min_size=1, max_size=8
)


@settings(derandomize=True, database=None)
@given(shares=shares, points=st.floats(0, 1_000_000))
def test_what_unfolds_is_exactly_what_was_given_and_in_proportion(
    shares: dict[str, float], points: float
) -> None:
    parts = unfold(points, shares)
    assert math.fsum(parts.values()) == points
    assert list(parts) == list(shares)
    together = math.fsum(shares.values())
    for name, part in parts.items():
        assert part >= 0
        assert part == pytest.approx(points * shares[name] / together, rel=1e-6, abs=points * 1e-15 + 1e-300)


def test_single_weights_stay_beside_an_objective_and_a_use_case_may_have_shares_of_its_own() -> None:
    both = {"both": Objective(title="Both", reason="a test", shares={"b": 1, "c": 1})}
    assert unfolded({"a": 1, "both": 6, "d": 2}, both, {}) == {"a": 1, "b": 3, "c": 3, "d": 2}
    own = {"both": OwnShares(reason="a test", shares={"c": 2})}
    assert unfolded({"both": 6}, both, own) == {"c": 6}


def test_everything_that_is_weighed_belongs_to_one_objective() -> None:
    rules = load_criteria(SHIPPED)
    owners = [name for objective in rules.objectives.values() for name in objective.shares]
    assert len(owners) == len({*owners})
    for name, use_case in rules.use_cases.items():
        assert {*use_case.weights} <= {*rules.objectives}
        assert 2 <= len(use_case.weights) <= 6
        assert {*rules.weights(name)} <= {*owners}
    names = [name for section in rules.sections() for name in section.criteria]
    assert sorted(names) == sorted(rules.criteria)


# ---- where one cannot be had ------------------------------------------------------------------------------


def with_objectives(engines: tuple[str, ...] = ("local",)) -> Criteria:
    rules = criteria().model_dump(mode="python")
    rules["objectives"] = {
        "time": {"title": "Time", "reason": "a test", "shares": {"start": 4.0, "rate": 3.0}},
        "tidiness": {"title": "Tidiness", "reason": "a test", "shares": {"tidy": 1.0}},
        "safety": {"title": "Safety", "reason": "a test", "shares": {"safe": 1.0}},
    }
    rules["not_applicable"] = {"tidiness": {"engines": engines, "reason": "Nobody tidies up there."}}
    rules["use_cases"]["work"]["weights"] = {"time": 70.0, "tidiness": 20.0, "safety": 10.0}
    return Criteria.model_validate(rules)


def decided(rules: Criteria, at: Site) -> UseCaseDecision:
    findings = (
        *row("host"),
        *row("a", tidy=None, noise=0),
        *row("b", tidy=Outcome.FAILS, start=5.0, noise=0),
    )
    return decide(findings, rules, at).use_cases[0]


def test_what_cannot_be_had_at_a_site_weighs_nothing_there_for_anybody_and_that_is_said() -> None:
    found = decided(with_objectives(), site())
    assert found.winner == "a"
    assert all("tidy" not in dict(verdict.contributions) for verdict in found.verdicts)
    assert (
        "Tidiness does not apply at Here (nobody tidies up there): its 20 points weigh nothing there, for "
        "every runtime alike."
    ) in found.sentence


def test_where_it_can_be_had_what_is_not_measured_stays_an_interval() -> None:
    slurm = Site.model_validate({**site().model_dump(), "batch": {"engine": "slurm"}})
    found = decided(with_objectives(), slurm)
    score = {verdict.runtime: verdict.score for verdict in found.verdicts}["a"]
    assert score.high - score.low == pytest.approx(0.2)
    assert "does not apply" not in found.sentence


def test_the_batch_contract_is_weighed_on_the_farm_and_leaves_where_there_is_no_batch_system() -> None:
    rules = load_criteria(SHIPPED)
    assert rules.weights("l1proc")["batch_memory_limit"] > 0
    assert rules.weights("l1proc", "slurm") == rules.weights("l1proc")
    here = rules.weights("l1proc", "local")
    assert not [name for name in here if name.startswith("batch_")]
    assert all(points == rules.weights("l1proc")[name] for name, points in here.items())


# ---- what cannot be meant ---------------------------------------------------------------------------


def faults(folder: Path, *changes: tuple[str, str]) -> list[Fault]:
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "criteria.yaml"
    path.write_text(text)
    with pytest.raises(FaultyDocumentError) as caught:
        load_criteria(path)
    return list(caught.value.faults)


def test_a_criterion_weighed_both_ways_is_a_fault_at_its_own_line_and_column(tmp_path: Path) -> None:
    own = "      contract: 15 "
    (fault,) = faults(tmp_path, (own, f"      batch_leftovers: 4\n{own}"))
    line = TEXT[: TEXT.index(own)].count("\n") + 1
    assert (fault.line, fault.column) == (line, 7)
    assert fault.excerpt == "      batch_leftovers: 4"
    assert f"from the objective 'contract' on line {line + 1} already" in fault.message


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("      batch_leftovers: 2 ", "      batch_leftover: 2 ", "did you mean 'batch_leftovers'"),
        ("      batch_leftovers: 2 ", "      batch_leftovers: 0 ", "greater than or equal to 0.001"),
        ("      batch_leftovers: 2 ", "      time_lost: 2 ", "belongs to 'time' already"),
        ("  contract:\n    title", "  cpu_rate:\n    title", "a criterion already"),
        ("  contract:\n    title", "  security:\n    title", "the name of an area already"),
        ("  contract:\n    engines", "  contrac:\n    engines", "did you mean 'contract'"),
        ("    engines: [local]", "    engines: [locall]", "engines"),
        ("      contract: 15 ", "      contrac: 15 ", "did you mean 'contract'"),
        ("      contract: 15 ", "      contract: -15 ", "weights.contract: should be greater"),
        ("      contract: 15 ", "      batch_init: 15 ", "belongs to no objective"),
        ("          signal_delivery: 2 ", "          cpu_rate: 2 ", "It is not in the objective 'handling'"),
    ],
)
def test_an_objective_that_cannot_be_meant_is_named(tmp_path: Path, old: str, new: str, word: str) -> None:
    found = faults(tmp_path, (old, new))
    assert any(word in fault.message for fault in found), found


def test_every_fault_of_an_objective_comes_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        ("      batch_leftovers: 2 ", "      batch_leftover: 2 "),
        ("      contract: 15 ", "      contrac: 15 "),
    )
    assert [re.sub(".*unknown", "unknown", fault.message) for fault in found] == [
        "unknown criterion 'batch_leftover'; did you mean 'batch_leftovers'?",
        "unknown criterion 'contrac'; did you mean 'contract'?",
    ]
