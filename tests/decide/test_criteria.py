"""The criteria: the shipped file, its scales, its references, and no text that breaks the reader."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation.decide.answerrules import Harm
from evaluation.decide.checklist import read_checklists
from evaluation.decide.criteria import Criteria, MeasuredCriterion, OutcomeCriterion, Scale, load_criteria
from evaluation.errors import Fault, FaultyDocumentError
from evaluation.model import Outcome, Standing
from evaluation.probes.registry import discover

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
SHIPPED = Path(__file__).parents[2] / "criteria.yaml"
TEXT = SHIPPED.read_text()


@pytest.fixture(scope="module")
def shipped() -> Criteria:
    return load_criteria(SHIPPED)


def faults(folder: Path, old: str, new: str, count: int = 1) -> list[str]:
    assert TEXT.count(old) >= count
    path = folder / "criteria.yaml"
    path.write_text(TEXT.replace(old, new, count))
    with pytest.raises(FaultyDocumentError) as caught:
        load_criteria(path)
    return [fault.message for fault in caught.value.faults]


def scale(worst: float, best: float, spacing: str = "linear") -> Scale:
    return Scale.model_validate({"worst": worst, "best": best, "spacing": spacing, "reason": "a test"})


# ---- the shipped file ------------------------------------------------------------------------------


def test_the_first_line_names_the_schema_for_editors() -> None:
    named = TEXT.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (SHIPPED.parent / named).is_file()


def test_it_has_the_three_use_cases_and_a_criterion_that_none_of_them_uses_says_so(shipped: Criteria) -> None:
    assert set(shipped.use_cases) == {"l1proc", "end-user", "developer"}
    used = {
        name
        for id_, use_case in shipped.use_cases.items()
        for name in (*shipped.weights(id_), *(knock_out.criterion for knock_out in use_case.knock_outs))
    }
    assert used <= set(shipped.criteria)
    for name in set(shipped.criteria) - used:
        criterion = shipped.criteria[name]
        reason = criterion.reason if isinstance(criterion, OutcomeCriterion) else criterion.scale.reason
        assert "no weight" in reason or "cannot weigh" in reason, name


def test_each_use_case_shares_out_a_hundred_points(shipped: Criteria) -> None:
    assert {round(math.fsum(shipped.weights(name).values()), 9) for name in shipped.use_cases} == {100}


def test_what_the_quick_profile_measures_is_all_that_is_weighed(shipped: Criteria) -> None:
    probes = discover()
    weighed = {
        probe
        for case in shipped.use_cases
        for name in shipped.weights(case)
        for probe in shipped.probes_of(name)
    }
    assert {id_ for id_ in weighed if not probes[id_].quick or probes[id_].image == "med"} == set()


def test_every_standing_has_a_word_and_a_harm_may_change_it(shipped: Criteria) -> None:
    every = {"adopt", "trial", "assess", "works", "avoid"}
    assert {shipped.word(standing) for standing in Standing} == every
    assert shipped.word(Standing.BEHIND) == "works"
    assert all(shipped.word(Standing.BEHIND, {harm}) == "avoid" for harm in Harm)


def test_a_standing_without_a_word_is_a_fault(tmp_path: Path) -> None:
    (message,) = faults(tmp_path, "standings: [recommended, tied]", "standings: [recommended]")
    assert message.endswith("should have a rule without 'harm' for: tied")


def test_every_weight_has_its_reason_beside_it() -> None:
    weights = [
        line
        for section in TEXT.split("    weights:\n")[1:]
        for line in section.split("    knock_outs:")[0].split("    shares:")[0].splitlines()
        if line.strip() and not line.strip().startswith("#")
    ]
    assert len(weights) > 10
    assert [line for line in weights if "#" not in line] == []


def test_nothing_is_weighed_that_could_be_luck(shipped: Criteria) -> None:
    """What is asked once is weighed only if its answer was seen to stay the same when asked again.

    The batch contract is asked in real jobs, once, and nobody has shown that of it yet: decision 23.
    """
    probes = discover()
    contract = {*shipped.objectives["contract"].shares}
    weighed = {
        probe
        for case in shipped.use_cases
        for name in {*shipped.weights(case)} - contract
        for probe in shipped.probes_of(name)
    }
    once = [probes[id_] for id_ in weighed if probes[id_].repeat == "once" and probes[id_].turns == 1]
    repeated = {
        (tried.probe, tried.version): {len(verdicts) for verdicts in tried.verdicts.values()}
        for checklist in read_checklists(REFERENCE)
        for tried in checklist.attempts
        if tried not in [row for row, _, _ in checklist.unstable()]
    }
    assert [probe.id for probe in once if max(repeated.get((probe.id, probe.version), {0})) < 3] == []


def test_root_on_a_shared_machine_knocks_out_and_on_an_own_one_is_weighed(shipped: Criteria) -> None:
    root = {"setuid_planting", "host_filesystem_bind"}
    for shared in ("l1proc", "end-user"):
        assert {veto.criterion for veto in shipped.use_cases[shared].knock_outs} == root
        assert {veto.when for veto in shipped.use_cases[shared].knock_outs} == {Outcome.FAILS}
    assert not shipped.use_cases["developer"].knock_outs
    assert all(shipped.weights("developer")[name] > 0 for name in root)


def test_outcomes_are_found_by_the_words_of_the_model(shipped: Criteria) -> None:
    row = shipped.criteria["output_ownership"]
    assert isinstance(row, OutcomeCriterion)
    assert row.outcomes[Outcome.HOLDS] > row.outcomes[Outcome.FAILS]


def test_the_bare_host_is_at_the_best_end_of_every_ratio(shipped: Criteria) -> None:
    ratios = [
        row
        for row in shipped.criteria.values()
        if isinstance(row, MeasuredCriterion) and row.figure == "ratio"
    ]
    assert len(ratios) > 20
    assert {row.scale.score(1.0) for row in ratios} == {1.0}


def test_a_criterion_may_have_a_margin_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "criteria.yaml"
    real_jobs = "    margin:\n      value: 0.05\n      reason: >-\n        Real jobs"
    assert real_jobs in TEXT
    path.write_text(TEXT.replace(real_jobs, real_jobs.replace("0.05", "0.03"), 1))
    rules = load_criteria(path)
    assert rules.margin("monte_carlo") == 0.03
    assert rules.margin("syscall_rate") == rules.method.indifference_margin.value == 0.05
    assert rules.margin("output_ownership") == rules.method.indifference_margin.value


def test_what_is_loaded_and_dumped_loads_as_the_same(shipped: Criteria) -> None:
    assert Criteria.model_validate_json(shipped.model_dump_json()) == shipped


# ---- scales ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "value", "expected"),
    [
        ((4, 1, "linear"), 4, 0.0),
        ((4, 1, "linear"), 1, 1.0),
        ((4, 1, "linear"), 2.5, 0.5),
        ((4, 1, "log"), 2, 0.5),
        ((0.1, 1, "log"), 10**-0.5, 0.5),
        ((4, 1, "linear"), 9, 0.0),
        ((4, 1, "linear"), -9, 1.0),
        ((-1, 1, "linear"), 0, 0.5),
        ((2.0, 0.02, "log"), 0, 1.0),
        ((0.1, 1, "log"), 0, 0.0),
        ((0.1, 1, "log"), -5, 0.0),
        ((1e18, 1, "log"), 5e-324, 1.0),
        ((1, 1e18, "log"), 5e-324, 0.0),
        ((-1e18, 1e18, "linear"), 0, 0.5),
        ((0.1, 1, "log"), float("inf"), 1.0),
    ],
)
def test_a_value_is_placed_on_the_scale_and_clipped(
    ends: tuple[float, float, str], value: float, expected: float
) -> None:
    assert scale(*ends).score(value) == pytest.approx(expected)


def test_not_a_number_has_no_place() -> None:
    with pytest.raises(ValueError, match="not a number"):
        scale(4, 1).score(float("nan"))


positive = st.floats(1e-6, 1e6)


@settings(derandomize=True, database=None)
@given(
    worst=positive,
    best=positive,
    values=st.tuples(positive, positive),
    spacing=st.sampled_from(["linear", "log"]),
)
def test_nearer_to_the_best_end_never_scores_less(
    worst: float, best: float, values: tuple[float, float], spacing: str
) -> None:
    if worst == best:
        return
    nearer, farther = sorted(values, reverse=best > worst)
    ruler = scale(worst, best, spacing)
    assert 0.0 <= ruler.score(farther) <= ruler.score(nearer) <= 1.0


# ---- contradictions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (
            "worst: 2.0\n      best: 0.02",
            "worst: 2.0\n      best: 2.0",
            "scale.best: should differ from worst",
        ),
        ("best: 0.02\n", "best: 5e-324\n", "scale.spacing: 'log' needs worst and best above zero"),
        ("best: 0.02\n", "best: 1.9999999999999998\n", "scale.best: should differ from worst"),
        (
            "worst: 2.0\n",
            "worst: 1e308\n",
            "scale.worst: should be less than or equal to 1000000000000000000",
        ),
        (
            "worst: 0.1\n      best: 1.0",
            "worst: 0.0\n      best: 1.0",
            "scale.spacing: 'log' needs worst and best above zero",
        ),
        (
            "direction: minimise\n    unit: s\n",
            "direction: maximise\n    unit: s\n",
            "scale: best should be above worst",
        ),
        ("direction: maximise", "direction: minimise", "scale: best should be below worst"),
        ("direction: minimise", "direction: minimize", "unknown word 'minimize'; did you mean 'minimise'?"),
        (
            'minimise\n    unit: "1"\n    scale:\n      worst: 4',
            "minimise\n    unit: s\n    scale:\n      worst: 4",
            "unit: should be '1'",
        ),
        ("{HOLDS: 1,", "{HOLDS: 2,", "outcomes.HOLDS: should be less than or equal to 1, not 2"),
        ("{HOLDS: 1,", "{HOLD: 1,", "outcomes.HOLD: unknown word 'HOLD'; did you mean 'HOLDS'?"),
        (
            "{HOLDS: 1, FAILS: 0, UNSUPPORTED: 0}",
            "{HOLDS: 1, FAILS: 0}",
            "outcomes: should also say what UNSUPPORTED",
        ),
        ("when: FAILS", "when: FALIS", "when: unknown word 'FALIS'; did you mean 'FAILS'?"),
        (
            "      contract: 15 ",
            "      contrac: 15 ",
            "unknown criterion 'contrac'; did you mean 'contract'?",
        ),
        (
            "      time: 57 ",
            "      time: -1 ",
            "weights.time: should be greater than or equal to 0",
        ),
        ("- criterion: setuid_planting", "- criterion: setuid", "unknown criterion 'setuid'"),
        (
            "- criterion: setuid_planting",
            "- criterion: cpu_rate",
            "'cpu_rate' is measured, and so never FAILS",
        ),
        ("    value: holm", "    value: bonferroni", "unknown word 'bonferroni'; there are: holm"),
        ("    value: 0.95", "    value: 95", "should be less than 1, not 95"),
        (
            "    value: 0.95\n    reason:",
            "    value: 0.95\n    raeson:",
            "unknown key 'raeson'; did you mean 'reason'?",
        ),
    ],
)
def test_a_contradiction_is_named(tmp_path: Path, old: str, new: str, word: str) -> None:
    assert any(word in message for message in faults(tmp_path, old, new))


def test_a_use_case_that_weighs_nothing_is_a_fault(tmp_path: Path) -> None:
    start = TEXT.index("    weights:\n")
    end = TEXT.index("    knock_outs:", start)
    (message,) = faults(tmp_path, TEXT[start:end], "    weights: {time: 0}\n")
    assert "should give at least one criterion more than 0 points" in message


def test_a_probe_that_there_is_not_is_a_fault_where_the_probes_are_known() -> None:
    probes = {row.probe for row in load_criteria(SHIPPED).criteria.values()} - {""}
    load_criteria(SHIPPED, probes=probes)
    with pytest.raises(FaultyDocumentError, match="unknown probe 'cold_start'; did you mean 'warm_start'"):
        load_criteria(SHIPPED, probes=(probes - {"cold_start"}) | {"warm_start"})


# ---- any text --------------------------------------------------------------------------------------

_PIECES = [
    "",
    " ",
    "\n",
    ":",
    "-",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "#",
    "&a",
    "*a",
    "!",
    "!!int ",
    "|",
    ">",
    "%",
    "@",
]
_PIECES += [
    "? ",
    "<<: ",
    "---\n",
    "...\n",
    "\t",
    "\x00",
    "\x85",
    "\ufeff",
    "\u2028",
    "\\ud800",
    "é",
    "\U0001f600",
]
_PIECES += [
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    ".nan",
    "0x10",
    "1_0",
    "9" * 30,
    "2017-06-06",
    "value",
    "FAILS",
    "=",
]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """The shipped text with up to four pieces of it cut out, moved or replaced."""
    text = TEXT
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20, 200, 2000])))
        other = draw(st.integers(0, len(text)))
        moved = text[other : other + draw(st.sampled_from([0, 1, 10, 100]))]
        piece = draw(st.one_of(st.sampled_from(_PIECES), st.just(moved), st.characters(codec="utf-8")))
        text = text[:start] + piece + text[end:]
    return text


@settings(
    max_examples=60,  # ten thousand, of a small file, are in test_mutated_criteria
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=mutations())
def test_any_text_is_criteria_or_a_list_of_faults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "criteria.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    found: tuple[Fault, ...] = ()
    try:
        load_criteria(path)
    except FaultyDocumentError as error:
        found = error.faults or pytest.fail("faulty, and no fault named")
    lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
    assert all(1 <= fault.line <= lines and fault.column >= 1 and fault.message for fault in found)
