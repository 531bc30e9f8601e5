"""How good the evidence is: one step for each doubt, each with its footnote, and what is not known is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import criteria, row, site
from made_up_run import manifest

from evaluation.decide.answerrules import LEVELS, Change, ConfidenceRule, Doubted
from evaluation.decide.confidence import Circumstances, circumstances, confidence
from evaluation.decide.score import decide
from evaluation.decide.together import AtSite, across_sites
from evaluation.manifest import BatchFacts, CheckFacts, JobFacts
from evaluation.model import CheckState, Confidence, Interval, Outcome, UseCaseDecision
from evaluation.sites import ImageStore, Site

RULE = ConfidenceRule.model_validate(
    {
        "measured_share": {"value": 0.9, "reason": "a test"},
        "example": {"value": "low", "reason": "a test"},
        "steps": dict.fromkeys(Doubted, "a test"),
    }
)
SOUND = Circumstances(machines=2, virtual=False, months=0, stores=(False, False))
TODAY = date(2026, 11, 30)
RULES = criteria(scenarios=tuple(Change))


def decided(**changed: Any) -> UseCaseDecision:  # noqa: ANN401 - any field
    findings = (*row("host", start=0.05, rate=1.0), *row("a", start=0.2, noise=0), *row("b", noise=0))
    return replace(decide(findings, RULES, site()).use_cases[0], **changed)


def told(found: Circumstances, decision: UseCaseDecision | None = None) -> Confidence:
    said = confidence(decision or decided(), found, RULE, margin=0.02, months=24)
    assert said is not None
    return said


def names(found: Circumstances, decision: UseCaseDecision | None = None) -> set[str]:
    return {doubt.name for doubt in told(found, decision).doubts}


def test_nothing_to_doubt_is_high() -> None:
    assert told(SOUND) == Confidence(word="high", doubts=())


@pytest.mark.parametrize(
    ("changed", "doubt", "note"),
    [
        ({"test": True}, Doubted.ELSEWHERE, "test cluster"),
        ({"machines": 1}, Doubted.ONE_MACHINE, "one machine only"),
        ({"virtual": True}, Doubted.SHARED, "virtual machine"),
        ({"virtual": None}, Doubted.SHARED, "not known"),
        ({"shared": "others computed"}, Doubted.SHARED, "others computed"),
        ({"months": 25}, Doubted.OLD, "25 months before"),
        ({"months": None}, Doubted.OLD, "not known"),
        ({"stores": (None, True)}, Doubted.LOCAL_DISK, "not known"),
        ({"stores": (True, None)}, Doubted.LOCAL_DISK, "not known"),
        ({"stores": (True, False)}, Doubted.LOCAL_DISK, "on a local disk"),
    ],
)
def test_each_doubt_takes_one_step_and_has_its_footnote(
    changed: dict[str, Any], doubt: Doubted, note: str
) -> None:
    said = told(replace(SOUND, **changed))
    assert said.word == "moderate"
    assert [each.name for each in said.doubts] == [doubt]
    assert note in said.doubts[0].note


@pytest.mark.parametrize("stores", [(True, True), (False, True), (False, None)])
def test_images_measured_where_the_site_keeps_them_are_no_doubt(stores: tuple[bool, bool | None]) -> None:
    assert told(replace(SOUND, stores=stores)).word == "high"


def test_doubts_of_the_decision_itself() -> None:
    wide = decided(spread=Interval(estimate=0.9, low=0.88, high=0.91))
    assert names(SOUND, wide) == {Doubted.WIDE}
    assert names(SOUND, decided(spread=Interval(estimate=0.9, low=0.895, high=0.91))) == set()
    assert names(SOUND, decided(spread=None)) == {Doubted.WIDE}
    assert names(SOUND, decided(measured=0.89)) == {Doubted.UNMEASURED}
    assert names(SOUND, decided(measured=0.9)) == set()


def test_noise_and_gaps_widen_the_first_score_and_gaps_lower_what_was_measured() -> None:
    quiet = decided()
    assert quiet.spread is not None
    assert quiet.spread.low == pytest.approx(quiet.spread.high)
    assert quiet.measured == 1.0
    findings = (*row("host"), *row("a", start=0.2, noise=2.0), *row("b", tidy=None))
    noisy = decide(findings, RULES, site()).use_cases[0]
    assert noisy.spread is not None
    assert noisy.spread.high - noisy.spread.low > 0.02
    gap = decide((*row("host"), *row("a", tidy=None)), RULES, site()).use_cases[0]
    assert gap.measured == pytest.approx(0.8)
    assert gap.spread is not None
    assert gap.spread.high - gap.spread.low > 0.19


def test_sites_that_disagree_are_named() -> None:
    def at(name: str, best: str, other: str) -> AtSite:
        here = site().model_copy(update={"id": name, "title": name.capitalize()})
        found = (
            *row("host"),
            *row(best, start=0.2, noise=0),
            *row(other, start=5.0, tidy=Outcome.FAILS, noise=0),
        )
        return AtSite(title=here.title, decision=decide([replace(f, site=name) for f in found], RULES, here))

    apart = across_sites([at("one", "a", "b"), at("two", "b", "a")], RULES)
    said = told(SOUND, apart[0].use_cases[0])
    assert [doubt.note for doubt in said.doubts] == ["sites disagree: at Two, b is first"]
    alike = across_sites([at("one", "a", "b"), at("two", "a", "b")], RULES)
    assert told(SOUND, alike[0].use_cases[0]).word == "high"


def test_an_example_is_never_better_than_low_and_says_so() -> None:
    said = told(replace(SOUND, example="a virtual machine"))
    assert said.word == "low"
    assert said.example
    assert "a virtual machine" in said.doubts[0].note


def test_a_step_that_is_not_declared_is_not_taken() -> None:
    rule = RULE.model_copy(update={"steps": {Doubted.OLD: "a test"}})
    found = confidence(decided(), replace(SOUND, machines=1), rule, margin=0.02, months=24)
    assert found is not None
    assert found.word == "high"


def test_without_a_limit_nothing_is_too_old() -> None:
    found = confidence(decided(), replace(SOUND, months=300), RULE, margin=0.02, months=None)
    assert found is not None
    assert found.word == "high"


def test_where_nobody_competes_nothing_is_said() -> None:
    empty = decide((), RULES, site()).use_cases[0]
    assert confidence(empty, SOUND, RULE, margin=0.02, months=24) is None


@given(
    st.builds(
        Circumstances,
        example=st.sampled_from(["", "an example"]),
        test=st.booleans(),
        machines=st.integers(1, 3),
        virtual=st.sampled_from([True, False, None]),
        shared=st.sampled_from(["", "by others"]),
        months=st.sampled_from([None, 0, 100]),
        stores=st.tuples(*[st.sampled_from([True, False, None])] * 2),
    ),
    st.floats(0, 1),
)
def test_the_word_is_so_many_steps_down_as_there_are_footnotes(found: Circumstances, share: float) -> None:
    said = told(found, decided(measured=share))
    steps = min(len(said.doubts), 3)
    assert LEVELS.index(said.word) == (max(steps, 2) if said.example else steps)
    assert len({doubt.name for doubt in said.doubts}) == len(said.doubts)
    better = told(replace(found, machines=2, virtual=False, shared=""), decided(measured=1.0))
    assert LEVELS.index(better.word) <= LEVELS.index(said.word)


# ---- what the manifest and the site's file say ------------------------------------------------------------


def of(changes: dict[str, Any], at: Site | None = None) -> Circumstances:
    facts = manifest("20261001T000000Z-1").model_copy(update={"label": "", **changes})
    return circumstances(facts, at or site(), on=TODAY)


def host(virtualisation: str) -> dict[str, Any]:
    facts = manifest("20261001T000000Z-1").host
    return {"host": facts.model_copy(update={"virtualisation": virtualisation})}


def check(what: str, state: CheckState, file_system: str = "") -> dict[str, Any]:
    return {"checks": (CheckFacts(what=what, state=state, sentence="so it is", file_system=file_system),)}


def shared_images() -> Site:
    store = ImageStore(kind="shared", source="a test")
    return site().model_copy(update={"image_store": store})


def test_facts_come_from_the_manifest() -> None:
    assert of(host("virtual machine")).virtual is True
    assert of(host("none seen")).virtual is False
    assert of(host("not measured")).virtual is None
    assert of({"started_at": "2024-10-01T00:00:00+00:00"}).months == 25
    assert of({"label": "a machine"}).example == "a machine"
    assert "so it is" in of(check("container", CheckState.CONDITION)).shared
    assert "so it is" in of(check("limits", CheckState.CONDITION)).shared
    assert not of(check("limits", CheckState.SOUND)).shared
    jobs = tuple(JobFacts(id=str(number), node=f"node{number}") for number in (1, 2))
    batch = BatchFacts(engine="slurm", version="1", submitted_by="parsl", jobs=jobs)
    assert of({"batch": batch}).machines == 2
    assert of({"batch": batch.model_copy(update={"jobs": jobs[:1]})}).machines == 1


def test_where_images_lie_is_declared_or_follows_from_a_machine_of_its_own() -> None:
    assert of({}).stores == (False, None)
    assert of(check("image store", CheckState.SOUND, "shared"), shared_images()).stores == (True, True)
    assert of(check("image store", CheckState.SOUND, "local"), shared_images()).stores == (True, False)
    assert of(check("image store", CheckState.SOUND), shared_images()).stores == (True, None)
    slurm = Site.model_validate({**site().model_dump(), "batch": {"engine": "slurm"}})
    assert of({}, slurm).stores[0] is None


def test_borrowed_evidence_is_an_example() -> None:
    facts = manifest("20261001T000000Z-1")
    found = circumstances(facts, site(), on=TODAY, borrowed_from="there", shortage="short of cores")
    assert found.example == "all evidence is borrowed from there"
    assert found.shared == "short of cores"
