"""Sites: the shipped files, what a policy may say, and that an id cannot lead out of its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.errors import EvaluationError, FaultyDocumentError
from evaluation.model import Outcome
from evaluation.sites import Site, list_sites, load_site

SHIPPED = Path(__file__).parents[1] / "sites"

MINIMAL = "title: Here\nstatus: measured-here\nbatch: {engine: local}\n"


def site(folder: Path, text: str, **known: set[str]) -> Site:
    (folder / "here.yaml").write_text(text)
    return load_site("here", folder, **known)  # type: ignore[arg-type]


def messages(folder: Path, text: str, **known: set[str]) -> list[str]:
    with pytest.raises(FaultyDocumentError) as caught:
        site(folder, text, **known)
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in caught.value.faults]


# ---- the shipped sites -----------------------------------------------------------------------------


def test_the_sites_of_the_working_page_and_this_machine_are_there() -> None:
    assert list_sites(SHIPPED) == (
        "cc-in2p3",
        "gridengine-test",
        "local",
        "nersc",
        "reference",
        "slac",
        "slurm-test",
    )


@pytest.mark.parametrize("site_id", list_sites(SHIPPED))
def test_each_loads_under_the_name_of_its_file_and_names_its_schema(site_id: str) -> None:
    assert load_site(site_id, SHIPPED).id == site_id
    first = (SHIPPED / f"{site_id}.yaml").read_text().splitlines()[0]
    assert (SHIPPED / first.removeprefix("# yaml-language-server: $schema=")).is_file()


@pytest.mark.parametrize("site_id", ["slac", "cc-in2p3", "nersc"])
def test_a_site_that_has_not_measured_says_so_and_guesses_no_policy(site_id: str) -> None:
    shown = load_site(site_id, SHIPPED)
    assert shown.status == "declared-only"
    assert shown.facts
    assert {fact.confidence for fact in shown.facts} == {"declared"}
    assert all(fact.dating for fact in shown.facts), "each says how its date is known"
    assert not shown.policy.knock_outs


def test_what_the_working_page_says_undated_is_not_given_a_date() -> None:
    page = [
        fact
        for site_id in ("slac", "cc-in2p3")
        for fact in load_site(site_id, SHIPPED).facts
        if fact.source.startswith("Fermi-LAT working page")
    ]
    assert len(page) == 5
    assert {fact.date for fact in page} == {"undated"}


def test_what_nersc_says_of_shifter_s_future_has_its_source() -> None:
    facts = load_site("nersc", SHIPPED).facts
    assert any("several advantages over the Shifter tool" in fact.source for fact in facts)
    assert all(
        "podman-hpc" in (fact.statement + fact.source).lower() or fact.date != "undated" for fact in facts
    )


def test_lyon_s_change_of_batch_system_is_a_fact_with_its_source() -> None:
    lyon = load_site("cc-in2p3", SHIPPED)
    assert lyon.batch.engine == "slurm"
    assert any(
        "Univa Grid Engine before" in fact.statement and "doc.cc.in2p3.fr" in fact.source
        for fact in lyon.facts
    )


@pytest.mark.parametrize(
    ("site_id", "offered"),
    [("slac", ["apptainer"]), ("cc-in2p3", ["docker"]), ("nersc", ["podman-hpc", "shifter"])],
)
def test_what_a_centre_offers_stands_in_its_facts_too(site_id: str, offered: list[str]) -> None:
    shown = load_site(site_id, SHIPPED)
    assert [offer.name for offer in shown.offers] == offered
    for offer in shown.offers:
        assert any(fact.source.split("'")[1] in offer.source for fact in shown.facts if "'" in fact.source)
        assert any(offer.date == fact.date for fact in shown.facts)


# ---- ids -------------------------------------------------------------------------------------------


def test_an_unknown_site_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(EvaluationError) as caught:
        load_site("slak", SHIPPED)
    assert "unknown site 'slak'; did you mean 'slac'?" in str(caught.value)
    assert "there are: cc-in2p3, gridengine-test, local, nersc, reference, slac, slurm-test" in str(
        caught.value
    )


@pytest.mark.parametrize("site_id", ["", "../sites/slac", "slac.yaml", "/etc/passwd", "sl\0ac"])
def test_an_id_is_a_name_and_never_a_path(site_id: str) -> None:
    with pytest.raises(EvaluationError, match="unknown site"):
        load_site(site_id, SHIPPED)


def test_a_folder_without_sites_has_none(tmp_path: Path) -> None:
    assert list_sites(tmp_path / "absent") == ()
    with pytest.raises(EvaluationError, match="there are: none"):
        load_site("slac", tmp_path)


def test_a_file_whose_name_is_no_id_is_refused(tmp_path: Path) -> None:
    (tmp_path / "My Site.yaml").write_text(MINIMAL)
    with pytest.raises(EvaluationError, match="is no id for a site"):
        load_site("My Site", tmp_path)


# ---- what a file may say ---------------------------------------------------------------------------


def test_a_minimal_file_is_enough(tmp_path: Path) -> None:
    here = site(tmp_path, MINIMAL)
    assert here.facts == ()
    assert here.policy.knock_outs == ()
    assert here.runtimes == {}
    assert here.measure_as is None


def test_a_full_file_is_read_as_written(tmp_path: Path) -> None:
    here = site(
        tmp_path,
        MINIMAL
        + """\
measure_as: alice
policy:
  knock_outs:
    - {family: docker, reason: r, source: s}
    - {criterion: setuid_planting, when: FAILS, reason: r, source: s}
runtimes:
  docker: {options: ["--security-opt=no-new-privileges"], executable: /opt/docker}
  podman: {forbidden: the site says no}
""",
    )
    assert [veto.family for veto in here.policy.knock_outs] == ["docker", None]
    assert here.policy.knock_outs[1].when is Outcome.FAILS
    assert here.runtimes["docker"].options == ("--security-opt=no-new-privileges",)
    assert here.runtimes["podman"].forbidden == "the site says no"
    assert here.measure_as == "alice"


ONE = "{family: a, statement: s, source: s, date: undated, checked: c}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "policy: {knock_outs: [{reason: r, source: s}]}",
            "4:23: policy.knock_outs[0]: should name exactly one of runtime, family and criterion",
        ),
        (
            "policy: {knock_outs: [{family: a, runtime: b, reason: r, source: s}]}",
            "4:23: policy.knock_outs[0]: should name exactly one of runtime, family and criterion",
        ),
        (
            "policy: {knock_outs: [{criterion: a, reason: r, source: s}]}",
            "4:23: policy.knock_outs[0]: 'when' belongs to a criterion, and a criterion needs it",
        ),
        (
            "policy: {knock_outs: [{family: a, when: FAILS, reason: r, source: s}]}",
            "4:23: policy.knock_outs[0]: 'when' belongs to a criterion, and a criterion needs it",
        ),
        (
            "policy: {accepts: [{criterion: a, family: b, runtime: c, reason: r, source: s}]}",
            "4:20: policy.accepts[0]: should name a runtime or a family, or neither for all of them",
        ),
        (
            """\
policy:
  knock_outs: [{criterion: a, when: FAILS, reason: r, source: s}]
  accepts: [{criterion: a, reason: r, source: s}]""",
            "6:25: 'a' stands among this policy's knock-outs: it cannot be accepted too",
        ),
        (
            "measure_as: root",
            "4:13: measure_as: should be an unprivileged user: that is who runs containers at a site",
        ),
        (
            "runtimes: {docker: {options: --privileged}}",
            "4:30: runtimes.docker.options: should be a list, not '--privileged'",
        ),
        ("facts: [{}]", "4:9: facts[0]: missing key 'topic'"),
        (
            'offers: [{statement: s, source: s, date: "2026", checked: c}]',
            "4:10: offers[0]: should name exactly one of runtime and family",
        ),
        (
            'offers: [{family: a, runtime: b, statement: s, source: s, date: "2026", checked: c}]',
            "4:10: offers[0]: should name exactly one of runtime and family",
        ),
        ("offers: [{family: a, statement: s, date: undated, checked: c}]", "missing key 'source'"),
        ("offers: [{family: a, statement: s, source: s, date: May, checked: c}]", "offers[0].date"),
        (
            f"offers: [{ONE}, {ONE}]",
            "should name each runtime or family once, not a again",
        ),
    ],
)
def test_a_slip_is_named_at_its_place(tmp_path: Path, text: str, expected: str) -> None:
    assert any(expected in message for message in messages(tmp_path, MINIMAL + text + "\n"))


FACT = "facts: [{topic: t, statement: s, source: s, date: DATE, checked: c, confidence: measured}]\n"


@pytest.mark.parametrize("date", ["undated", "2017", "2017-06", "2017-06-06"])
def test_a_date_is_as_exact_as_its_source(tmp_path: Path, date: str) -> None:
    fact = FACT.replace("DATE", date if date == "undated" else f'"{date}"')
    assert site(tmp_path, MINIMAL + fact).facts[0].date == date


@pytest.mark.parametrize("date", ["June 2017", "2017-6-6", "17"])
def test_a_date_in_another_form_is_a_fault(tmp_path: Path, date: str) -> None:
    assert any(
        "date" in message for message in messages(tmp_path, MINIMAL + FACT.replace("DATE", f'"{date}"'))
    )


def test_a_site_that_only_declares_has_measured_nothing(tmp_path: Path) -> None:
    text = MINIMAL.replace("measured-here", "declared-only") + FACT.replace("DATE", "undated")
    (message,) = messages(tmp_path, text)
    assert "a declared-only site has no measured facts" in message


def test_names_are_held_against_what_there_is_where_that_is_known(tmp_path: Path) -> None:
    text = (
        MINIMAL
        + """\
policy:
  knock_outs:
    - {family: dokcer, reason: r, source: s}
    - {runtime: podmann, reason: r, source: s}
    - {criterion: setuid_plantin, when: FAILS, reason: r, source: s}
runtimes: {apptaner: {}}
offers: [{family: dokcer, statement: s, source: s, date: undated, checked: c}]
"""
    )
    site(tmp_path, text)
    known = {"runtimes": {"podman", "apptainer"}, "families": {"docker"}, "criteria": {"setuid_planting"}}
    assert messages(tmp_path, text, **known) == [
        "6:16: unknown family 'dokcer'; did you mean 'docker'?",
        "7:17: unknown runtime 'podmann'; did you mean 'podman'?",
        "8:19: unknown criterion 'setuid_plantin'; did you mean 'setuid_planting'?",
        "9:12: unknown runtime 'apptaner'; did you mean 'apptainer'?",
        "10:19: unknown family 'dokcer'; did you mean 'docker'?",
    ]
