"""Readiness: each verdict, and that what is missing never makes a package readier."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.decide.criteria import load_criteria
from evaluation.decide.readiness import (
    Candidate,
    Met,
    Place,
    Readiness,
    State,
    candidates,
    in_order,
    readiness,
)
from evaluation.inventory import Need, Package, load_inventory
from evaluation.manifest import FormFacts, ImageFacts
from evaluation.model import Finding, Outcome, ProbeTexts
from evaluation.sites import Batch, Policy, Site, SiteKnockOut

ROOT = Path(__file__).parents[2]
CRITERIA = load_criteria(ROOT / "criteria.yaml")
ASKED = {package.id: package for package in load_inventory(ROOT / "inventory.yaml").packages}
INVENTORY = {name: package.model_copy(update={"questions": ()}) for name, package in ASKED.items()}
HALFPIPE, GLASTRELEASE = INVENTORY["halfpipe"], INVENTORY["glastrelease"]
OUTCOMES = st.sampled_from(tuple(Outcome))


def site(*rules: SiteKnockOut, name: str = "here") -> Site:
    return Site(
        id=name,
        title=name,
        status="measured-here",
        batch=Batch(engine="local"),
        policy=Policy(knock_outs=rules),
    )


def finding(probe: str, outcome: Outcome, runtime: str = "docker") -> Finding:
    texts = ProbeTexts(question="?", why="?", method="?", remedy=f"mend {probe}", group="operations")
    return Finding(
        site="here", run="r", runtime=runtime, probe=probe, probe_version=1, outcome=outcome,
        message=f"{probe} {outcome}", texts=texts,
    )  # fmt: skip


def image(name: str, problem: str = "") -> ImageFacts:
    form = FormFacts(
        runtime="docker", form="sif", reference="", size_bytes=1, convert_s=1.0, digest="d", problem=problem
    )
    return ImageFacts(
        name=name,
        recipe="r",
        recipe_sha256="0",
        digest="d",
        tar_bytes=1,
        build_s=1.0,
        packages=(),
        forms=(form,),
    )


def judged(
    package: Package,
    findings: tuple[Finding, ...],
    images: tuple[ImageFacts, ...] = (),
    *,
    at: Site | None = None,
    here: Site | None = None,
) -> Candidate:
    place = Place(site=here or site(), findings=findings, images=images, families={"docker": "docker"})
    (one,) = candidates(package, ("docker",), place, CRITERIA, at=at)
    return one


def all_met(package: Package) -> tuple[tuple[Finding, ...], tuple[ImageFacts, ...]]:
    return (
        tuple(finding(need.criterion, Outcome.HOLDS) for need in package.needs if need.criterion),
        tuple(image(need.image) for need in package.needs if need.image),
    )


@pytest.mark.parametrize("package", INVENTORY.values(), ids=lambda package: package.id)
def test_a_package_is_ready_only_where_every_need_was_seen_to_be_met(package: Package) -> None:
    findings, images = all_met(package)
    assert judged(package, findings, images).readiness is Readiness.READY
    assert judged(package, (), ()).readiness is Readiness.UNKNOWN
    for gone in findings:
        left = tuple(item for item in findings if item is not gone)
        assert judged(package, left, images).readiness in {Readiness.CARE, Readiness.UNKNOWN}


def test_an_open_question_keeps_a_package_from_being_ready_and_changes_nothing_else() -> None:
    findings, images = all_met(ASKED["halfpipe"])
    assert judged(ASKED["halfpipe"], findings, images).readiness is Readiness.CARE
    assert judged(ASKED["halfpipe"], (), ()).readiness is Readiness.UNKNOWN
    broken = (finding("qt_offscreen", Outcome.FAILS), *findings[1:])
    assert judged(ASKED["halfpipe"], broken).readiness is Readiness.BLOCKED


def test_what_blocks_blocks_and_says_what_would_mend_it() -> None:
    findings, _ = all_met(HALFPIPE)
    broken = (finding("qt_offscreen", Outcome.FAILS), *findings[1:])
    found = judged(HALFPIPE, broken)
    assert found.readiness is Readiness.BLOCKED
    (way,) = found.standing_in_the_way
    assert (way.name, way.seen, way.unblock) == ("qt_offscreen", "qt_offscreen FAILS", "mend qt_offscreen")


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome.HOLDS, Readiness.READY),
        (Outcome.MEASURED, Readiness.READY),
        (Outcome.FAILS, Readiness.BLOCKED),
        (Outcome.UNSUPPORTED, Readiness.BLOCKED),
        (Outcome.INERT, Readiness.BLOCKED),
        (Outcome.UNAVAILABLE, Readiness.UNKNOWN),
        (Outcome.ERROR, Readiness.UNKNOWN),
    ],
)
def test_each_outcome_of_a_need_that_blocks(outcome: Outcome, verdict: Readiness) -> None:
    findings, _ = all_met(HALFPIPE)
    assert judged(HALFPIPE, (finding("qt_offscreen", outcome), *findings[1:])).readiness is verdict


def test_an_image_that_could_not_be_made_asks_for_care_and_says_why() -> None:
    findings, _ = all_met(GLASTRELEASE)
    assert judged(GLASTRELEASE, findings, (image("padded"),)).readiness is Readiness.READY
    full = judged(GLASTRELEASE, findings, (image("padded", problem="the disk is full"),))
    assert full.readiness is Readiness.CARE
    assert full.standing_in_the_way[0].seen == "the disk is full"
    assert judged(GLASTRELEASE, findings, (image("large"),)).readiness is Readiness.CARE


def test_what_blocks_stands_before_what_asks_for_care() -> None:
    found = judged(GLASTRELEASE, (finding("legacy_uname", Outcome.FAILS),))
    assert [item.name for item in found.standing_in_the_way][:2] == ["legacy_vsyscall", "legacy_uname"]


def test_the_policy_of_the_site_that_is_asked_about_holds_not_that_of_the_evidence() -> None:
    rule = SiteKnockOut(family="docker", reason="not on our nodes", source="a test")
    findings, images = all_met(HALFPIPE)
    elsewhere = judged(HALFPIPE, findings, images, here=site(rule), at=site(name="there"))
    assert elsewhere.barred == ()
    here = judged(HALFPIPE, findings, images, at=site(rule, name="there"))
    assert here.readiness is Readiness.READY
    assert here.barred == ("policy of there: not on our nodes",)


def test_the_knock_outs_of_the_use_case_hold() -> None:
    findings, images = all_met(HALFPIPE)
    exposed = judged(HALFPIPE, (*findings, finding("host_filesystem_bind", Outcome.FAILS)), images)
    assert "Whoever may start a container" in exposed.barred[0]


def test_the_readier_comes_first_then_the_use_case_s_order_and_what_is_barred_not_at_all() -> None:
    place = Place(
        site=site(SiteKnockOut(runtime="podman", reason="r", source="s")),
        images=(),
        families={},
        findings=tuple(
            finding(each.criterion, Outcome.HOLDS, runtime)
            for runtime in ("docker", "podman", "apptainer", "shifter")
            for each in HALFPIPE.needs
            if each.criterion and (runtime, each.criterion) != ("docker", "legacy_uname")
        ),
    )
    found = candidates(HALFPIPE, ("docker", "podman", "apptainer", "shifter", "absent"), place, CRITERIA)
    ordered = in_order(found, ("docker", "podman", "shifter", "apptainer"))
    assert [item.runtime for item in ordered] == ["shifter", "apptainer", "docker"]


NEEDS = st.lists(
    st.tuples(st.sampled_from(("blocked", "care")), st.sampled_from(tuple(State))), min_size=1, max_size=7
)


def need(index: int, without: str, state: State) -> Met:
    return Met(
        need=Need.model_validate(
            {"criterion": f"c{index}", "without": without, "because": "b", "source": "s"}
        ),
        state=state,
        seen="",
    )


@given(needs=NEEDS, data=st.data())
def test_removing_evidence_never_makes_it_readier(
    needs: list[tuple[str, State]], data: st.DataObject
) -> None:
    before = [need(index, without, state) for index, (without, state) in enumerate(needs)]
    gone = data.draw(st.sets(st.integers(0, len(needs) - 1)))
    after = [
        need(index, without, State.UNKNOWN if index in gone else state)
        for index, (without, state) in enumerate(needs)
    ]
    assert readiness(after).usable <= readiness(before).usable


@given(needs=NEEDS)
def test_ready_means_that_everything_was_seen(needs: list[tuple[str, State]]) -> None:
    verdict = readiness(need(index, *each) for index, each in enumerate(needs))
    assert (verdict is Readiness.READY) == all(state is State.MET for _, state in needs)
    blocked = ("blocked", State.NOT_MET) in needs
    assert (verdict is Readiness.BLOCKED) == blocked


@given(outcomes=st.lists(OUTCOMES, min_size=5, max_size=5), data=st.data())
def test_nor_does_removing_a_finding(outcomes: list[Outcome], data: st.DataObject) -> None:
    names = [each.criterion for each in GLASTRELEASE.needs if each.criterion]
    every = tuple(finding(name, outcome) for name, outcome in zip(names, outcomes, strict=True))
    kept = tuple(item for item in every if data.draw(st.booleans()))
    assert judged(GLASTRELEASE, kept).readiness.usable <= judged(GLASTRELEASE, every).readiness.usable
