"""Modes: what they take from their base, what an option closes, and by which way a product competes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up import criteria, finding, measured, row, site
from made_up_run import manifest

from evaluation.decide.criteria import Criteria, load_criteria
from evaluation.decide.modes import Mode, completed, modes_of
from evaluation.decide.score import decide
from evaluation.decide.value import criterion_score
from evaluation.manifest import Manifest, RuntimeFacts
from evaluation.model import Finding, Outcome, Role, UseCaseDecision
from evaluation.store import FormFacts, ImageFacts

OPTION = Mode(id="d-user", base="d", options=("--user", "1:1"))
SET_UP = Mode(id="d-rootless", base="d")
HOST = row("host", start=0.05, rate=1.0)
FAMILIES = {"d": "d", "d-user": "d", "d-rootless": "d", "e": "e"}


def rules(harm_by: str | None) -> Criteria:
    made = criteria(knock_outs=("safe",) if harm_by == "user" else (), closed_by_option=0.8)
    rows = dict(made.criteria) | {"safe": made.criteria["safe"].model_copy(update={"harm_by": harm_by})}
    return made.model_copy(update={"criteria": rows})


def cell(findings: tuple[Finding, ...], runtime: str, probe: str) -> Finding:
    return next(f for f in findings if (f.runtime, f.probe) == (runtime, probe))


def test_a_mode_takes_the_figures_that_it_has_not_and_keeps_its_own() -> None:
    own = measured("d-user", "start", 0.5)
    base = row("d", start=2.0, rate=0.7)
    found = completed((*base, own), [OPTION], rules(None))
    assert cell(found, "d-user", "start") == own
    taken = cell(found, "d-user", "rate")
    assert (taken.taken_from, taken.comparison, taken.comparisons) == ("d", None, 0)
    assert replace(taken, runtime="d", taken_from="") == replace(cell(found, "d", "rate"), comparison=None)
    assert {f for f in found if f.runtime == "d"} == set(base)


def test_no_verdict_is_taken_that_the_mode_was_not_asked_for() -> None:
    found = completed(row("d"), [OPTION], rules(None))
    assert {f.probe for f in found if f.runtime == "d-user"} == {"start", "rate"}


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.ERROR, Outcome.INERT])
def test_a_figure_that_the_mode_failed_to_give_is_the_bases(outcome: Outcome) -> None:
    found = completed((*row("d"), finding("d-user", "rate", outcome)), [OPTION], rules(None))
    assert cell(found, "d-user", "rate").taken_from == "d"


def test_nothing_is_taken_from_a_base_that_shows_nothing() -> None:
    base = finding("d", "rate", Outcome.ERROR)
    assert completed((base,), [OPTION], rules(None)) == (base,)


@pytest.mark.parametrize(
    ("harm_by", "mode", "outcome", "closed", "worth"),
    [
        ("user", OPTION, Outcome.FAILS, (), 0.0),  # who would do it leaves the option out
        ("image", OPTION, Outcome.HOLDS, OPTION.options, 0.8),
        ("job", OPTION, Outcome.HOLDS, (), 1.0),
        (None, OPTION, Outcome.HOLDS, (), 1.0),
        ("user", SET_UP, Outcome.HOLDS, (), 1.0),  # nobody can leave the site's set-up out
        ("image", SET_UP, Outcome.HOLDS, (), 1.0),
    ],
)
def test_what_is_open_by_default_and_closed_in_the_mode(
    harm_by: str | None, mode: Mode, outcome: Outcome, closed: tuple[str, ...], worth: float
) -> None:
    made = rules(harm_by)
    findings = (*row("d", safe=Outcome.FAILS), finding(mode.id, "safe", Outcome.HOLDS))
    found = cell(completed(findings, [mode], made), mode.id, "safe")
    assert (found.outcome, found.closed_by) == (outcome, closed)
    assert criterion_score(made.criteria["safe"], found, closed=0.8).value == worth


@pytest.mark.parametrize("harm_by", ["user", "image", "job", None])
def test_what_only_the_mode_opens_is_open(harm_by: str | None) -> None:
    findings = (*row("d"), finding("d-user", "safe", Outcome.FAILS))
    found = cell(completed(findings, [OPTION], rules(harm_by)), "d-user", "safe")
    assert (found.outcome, found.taken_from) == (Outcome.FAILS, "")


def answer(*findings: Finding, made: Criteria, modes: tuple[Mode, ...]) -> UseCaseDecision:
    decided = decide((*HOST, *findings), made, site(), families=FAMILIES, modes=modes)
    return decided.use_cases[0]


def asked(mode: str, *, start: float, safe: Outcome = Outcome.HOLDS) -> tuple[Finding, ...]:
    """What a mode is asked: its start is timed, and every attempt is made."""
    return (
        measured(mode, "start", start),
        finding(mode, "tidy", Outcome.HOLDS),
        finding(mode, "safe", safe),
    )


def test_a_product_competes_by_its_best_permitted_mode() -> None:
    """The caller's option is no way round a veto, the site's own set-up is."""
    decided = answer(
        *row("d", safe=Outcome.FAILS),
        *asked("d-user", start=0.2),
        *asked("d-rootless", start=1.0),
        *row("e", start=9.0, rate=0.2),
        made=rules("user"),
        modes=(OPTION, SET_UP),
    )
    assert decided.winner == "d-rootless"
    assert [v.runtime for v in decided.verdicts] == ["d-rootless", "e", "d"]
    ways = {each.runtime: each for each in decided.modes}
    assert set(ways) == {"d", "d-user", "d-rootless"}
    assert ways["d-rootless"].competes
    assert ways["d-user"].knocked_out == ("as seen (P00)",)
    assert ways["d-user"].options == OPTION.options


def test_within_the_tie_margin_the_plain_way_competes() -> None:
    decided = answer(
        *row("d", start=1.0),
        *asked("d-user", start=0.98),
        made=rules("image"),
        modes=(OPTION,),
    )
    assert [v.runtime for v in decided.verdicts] == ["d"]


def test_a_mode_that_closes_enough_competes_for_its_base() -> None:
    decided = answer(
        *row("d", start=1.0, tidy=Outcome.FAILS, safe=Outcome.FAILS),
        *asked("d-user", start=1.0),
        made=rules("image"),
        modes=(OPTION,),
    )
    (verdict,) = decided.verdicts
    assert verdict.runtime == "d-user"
    worth = dict(verdict.contributions)["safe"]
    assert worth.value == pytest.approx(0.1 * 0.8)


def test_a_mode_whose_knock_out_is_not_known_yields_to_one_that_is_clear() -> None:
    mode = asked("d-rootless", start=0.1, safe=Outcome.ERROR)
    decided = answer(*row("d", start=5.0), *mode, made=rules("user"), modes=(SET_UP,))
    assert [v.runtime for v in decided.verdicts] == ["d"]


def made_run(*runtimes: RuntimeFacts, made_by: dict[str, str]) -> Manifest:
    forms = tuple(
        FormFacts(
            runtime=name, form="sif", reference="x", size_bytes=1, convert_s=1.0, digest="0", made_by=base
        )
        for name, base in made_by.items()
    )
    image = ImageFacts(
        name="small",
        recipe="r",
        recipe_sha256="0",
        digest="0",
        tar_bytes=1,
        build_s=1.0,
        packages=(),
        forms=forms,
    )
    return manifest().model_copy(update={"runtimes": runtimes, "image": image, "ladder": ()})


def facts(name: str, role: Role = Role.VARIANT, **more: object) -> RuntimeFacts:
    given = {"id": name, "family": "d", "mode": "m", "present": True, "role": role, "timed": False, **more}
    return RuntimeFacts.model_validate(given)


def test_the_modes_of_a_run_are_those_that_are_here_sound_and_have_a_base() -> None:
    run = made_run(
        facts("d", Role.ALTERNATIVE),
        facts("d-box", Role.ALTERNATIVE),
        facts("d-user", options=("--user", "1:1")),
        facts("d-box-user", options=("--userns",)),
        facts("d-rootless", engine_options=("--host", "x")),
        facts("d-gone", present=False),
        facts("d-slow", impairment="in an emulator"),
        facts("d-unsafe", Role.POSITIVE_CONTROL),
        facts("f-user", family="f"),
        made_by={"d": "", "d-user": "d", "d-box": "", "d-box-user": "d-box", "d-rootless": ""},
    )
    assert modes_of(run) == (
        Mode(id="d-user", base="d", options=("--user", "1:1")),
        Mode(id="d-box-user", base="d-box", options=("--userns",)),
        Mode(id="d-rootless", base="d"),
    )


def test_the_effects_that_are_weighed_say_who_would_bring_them_about() -> None:
    rows = load_criteria(Path("criteria.yaml")).criteria
    unsaid = [
        name
        for name, each in rows.items()
        if each.group == "security" and each.figure == "outcome" and each.harm_by is None
    ]
    assert unsaid == []
