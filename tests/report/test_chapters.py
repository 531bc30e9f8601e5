"""What each chapter says, read from its HTML as a reader would."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import nbformat
import pytest
from bs4 import BeautifulSoup, Tag
from decided_case import MANY, decided_case
from synthetic_case import NOTEBOOK, make_case
from synthetic_findings import ABSENT, DIGEST, RUNTIMES, WHY_ABSENT

from evaluation.decide.criteria import KnockOut
from evaluation.errors import EvaluationError
from evaluation.manifest import BatchFacts, CheckFacts, JobFacts
from evaluation.model import CONTROL, CONTROL_AGAIN, Borrowed, CheckState, Missing, Outcome, Role, Score
from evaluation.probes.registry import find
from evaluation.report import chapters
from evaluation.report.markup import Chapter, anchor
from evaluation.report.names import product_name
from evaluation.report.places import Places
from evaluation.report.source import Case
from evaluation.sites import Offer
from evaluation.store import FormFacts
from evaluation.testing import observations

CASE = make_case()


def page(chapter: Chapter) -> BeautifulSoup:
    return BeautifulSoup(chapter._repr_html_(), "html.parser")


def words(element: Tag) -> str:
    return re.sub(r"\s+", " ", element.get_text(" ")).strip()


def row_of(soup: BeautifulSoup, name: str, *, table: int = 0) -> str:
    rows = soup.find_all("table")[table].find_all("tr")
    return next(words(row) for row in rows if words(row).startswith(name))


def measured_with(case: Case, **changes: object) -> Case:
    return replace(case, measured=(replace(case.measured[0], **changes),))  # type: ignore[arg-type]


def test_the_answer_names_the_winner_or_whom_to_choose_from() -> None:
    cards = [words(card) for card in page(chapters.answer(CASE)).select(".card")]
    assert cards[0].startswith("L1Proc Apptainer (formerly Singularity) unpacked directory recommended")
    assert "97 % extremely likely" in cards[0]
    assert "Charliecloud comes second, 0.07 of 1 behind." in cards[0]
    assert "Docker : host_root_identity fails" in cards[0]
    assert cards[1].startswith(
        "End user Apptainer (unpacked directory) or Charliecloud too close to call Noise or weights"
    )
    assert cards[2].startswith("Developer Apptainer (unpacked directory) or Charliecloud undecided Missing")
    assert "Import storm for podman" in cards[2]


TOPICS = [
    "Chance of being first",
    "Time lost",
    "What speaks against it",
    "The risk you accept",
    "On Monday",
    "What would change our mind",
    "Relevant, and not measured",
]


def test_every_card_answers_what_a_head_of_computing_asks() -> None:
    cards = page(chapters.answer(CASE)).select(".card")
    assert [[words(dt) for dt in card.select("dt")] for card in cards] == [
        [*TOPICS, "Knocked out"],
        TOPICS,
        TOPICS,
    ]
    assert all(words(dd) for card in cards for dd in card.select("dd"))


def test_what_is_said_of_a_runtime_is_proved_in_its_own_place_and_not_in_its_group_s() -> None:
    """Runtimes that came to the same share a transcript; a link still leads to the one that is meant."""
    site = CASE.measured[0]
    places = Places(CASE)
    shared = [
        (probe, runtime)
        for probe in site.probes
        for runtime in site.measured
        if places.own(site, probe, runtime) != places.cell(site, probe, runtime)
    ]
    assert shared
    evidence = page(chapters.evidence(CASE))
    for probe, runtime in shared:
        if probe not in site.attempts:
            own = evidence.find(id=places.own(site, probe, runtime))
            assert isinstance(own, Tag)
            article = own.find_parent("article")
            assert isinstance(article, Tag)
            assert article["id"] == places.cell(site, probe, runtime)
            assert runtime in words(article)


NUMBER = re.compile(r"(?<![A-Za-z])\d")


def test_every_number_of_a_card_leads_to_its_proof() -> None:
    soup = page(chapters.answer(decided_case(runtimes=MANY)))
    bare = [
        text
        for text in soup.select_one(".sheet").find_all(string=NUMBER)  # type: ignore[union-attr]
        if not text.find_parent(["a", "caption"])
        and not text.find_parent("th")
        and not text.find_parent("script")
    ]
    assert bare == []


ALOUD = 150
"""Words that are read aloud in a minute."""


def test_the_answers_are_read_aloud_within_a_minute() -> None:
    prose = next(
        cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if "## The answer" in cell.source
    )
    cards = [words(card) for card in page(chapters.answer(CASE)).select(".card > div")]
    assert sum(len(text.split()) for text in (prose, *cards)) < ALOUD


def test_a_card_keeps_to_the_first_sentence_and_why_has_all_of_it() -> None:
    assert "is knocked out." not in words(page(chapters.answer(CASE)).select(".sentence")[0])
    assert "docker is knocked out." in words(page(chapters.scores(CASE)).select(".said")[0])


def test_every_product_that_was_measured_has_its_answer_on_the_first_page() -> None:
    """The customer asks of Docker, Singularity and Shifter, and not only who is first."""
    rows = page(chapters.answer(CASE)).select(".products")[0].select("tbody tr")
    (site,) = CASE.measured
    families = {facts.id: facts.family for facts in site.manifest.runtimes}
    said = {words(row.select("th")[0]).split(" ")[0].lower(): row for row in rows}
    assert set(said) == {families[runtime] for runtime in site.ranked if runtime != CONTROL}
    for row_of, row in said.items():
        cells = row.select("td")
        assert len(cells) == len(site.decision.use_cases)
        for decision, cell in zip(site.decision.use_cases, cells, strict=True):
            best = next(v for v in decision.verdicts if families[v.runtime] == row_of)
            assert best.standing in words(cell)
            own = anchor("scores", site.folder, decision.use_case, best.runtime)
            assert cell.select("a")[0]["href"] == f"#{own}"
            assert page(chapters.scores(CASE)).find(id=own)
    apptainer = words(said["apptainer"])
    assert "Apptainer (formerly Singularity)" in apptainer


@pytest.mark.parametrize(
    ("family", "version", "name"),
    [
        ("apptainer", "SingularityCE 4.1.1-focal", "SingularityCE"),
        ("apptainer", "", "Apptainer (formerly Singularity)"),
        ("shifter", "version not told by Shifter", "Shifter"),
        ("podman-hpc", "1.1", "podman-hpc"),
    ],
)
def test_a_product_goes_by_the_name_that_people_use(family: str, version: str, name: str) -> None:
    assert product_name(family, version) == name


OFFER = Offer(family="docker", statement="Docker is there.", source="s", date="2026", checked="c")


def with_offers(case: Case, *site_ids: str) -> Case:
    sites = {
        name: site.model_copy(update={"offers": (OFFER,)}) if name in site_ids else site
        for name, site in case.sites.items()
    }
    return replace(case, sites=sites)


def test_what_a_site_offers_stands_in_every_row_of_it() -> None:
    """A site that has not measured shows what it offers, and nobody else's winner."""
    made = with_offers(CASE, "local", "slac")
    winners = page(chapters.winners(made))
    assert "best of its offer: docker, knocked out" in row_of(winners, "L1Proc")
    assert "best of its offer: docker, behind" in row_of(winners, "End user")
    assert "not measured offers Docker not measured" in row_of(winners, "L1Proc")
    shown = [words(site) for site in page(chapters.sites(made)).select(".site")]
    assert "L1Proc apptainer-sandbox best of its offer: docker, knocked out" in shown[0]
    assert "Offered to its users Docker (2026): Docker is there." in shown[1]
    assert "Offered" not in shown[2]


def test_the_answer_says_on_how_much_it_rests() -> None:
    text = words(page(chapters.answer(CASE)))
    cells = CASE.measured[0].cells.values()
    filled = sum(finding.outcome.is_evidence for finding in cells)
    assert f"{filled} of {len(cells)}" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "14 November 2026" in text
    assert "Debian GNU/Linux 12 (bookworm), kernel 6.18.0, A made-up CPU, 2 cores" in text.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    said = text.partition("Versions ")[2].partition(" Evidence")[0]
    assert sorted(said.split(", ")) == [
        f"{name} 1.2.3" for name in ("Apptainer", "Charliecloud", "Docker", "Podman")
    ]
    assert WHY_ABSENT in text


def test_the_first_page_has_a_row_for_every_site_with_what_it_offers() -> None:
    made = with_offers(CASE, "local", "slac")
    table = page(chapters.answer(made)).select(".products")[1]
    rows = [words(row) for row in table.select("tbody tr")]
    assert rows[0] == (
        "This machine Docker (2026) Apptainer (unpacked directory) of its offer: Docker, knocked out "
        "Apptainer (unpacked directory) or Charliecloud of its offer: Docker, behind "
        "Apptainer (unpacked directory) or Charliecloud of its offer: Docker, behind"
    )
    assert rows[1:] == ["SLAC Docker (2026) not measured", "CC-IN2P3 nobody has said not measured"]


def test_a_full_run_of_one_s_own_has_no_banner() -> None:
    assert not page(chapters.answer(CASE)).select(".banner")


@pytest.mark.parametrize(
    ("case", "title"),
    [
        (make_case(label="a plain virtual machine"), "Reference run, not your site."),
        (make_case(finished_at=""), "Incomplete run."),
        (make_case(runtimes=(CONTROL, ABSENT)), "Only the bare host was measured."),
    ],
)
def test_a_banner_says_what_keeps_a_run_from_being_a_measurement(case: Case, title: str) -> None:
    assert [words(banner) for banner in page(chapters.answer(case)).select(".banner strong")] == [title]


@pytest.mark.parametrize(
    ("changed", "title", "reason"),
    [
        (
            {"failed": {"40_scaling": "ValueError: too few"}},
            "Not everything was measured.",
            "40_scaling: ValueError: too few",
        ),
        (
            {"unavailable": {"cpu_rate": "the payload could not be built here: cc: error: an odd word"}},
            "The measuring program could not be built.",
            "cc: error: an odd word",
        ),
    ],
)
def test_what_went_wrong_while_measuring_stands_on_the_first_page(
    changed: dict[str, object], title: str, reason: str
) -> None:
    first = CASE.measured[0]
    case = replace(CASE, measured=(replace(first, manifest=first.manifest.model_copy(update=changed)),))
    (banner,) = page(chapters.answer(case)).select(".banner")
    assert words(banner).startswith(title)
    assert reason in words(banner)
    if "failed" in changed:
        assert reason in words(page(chapters.provenance(case)))


@pytest.mark.parametrize(
    ("timed", "said"),
    [
        (
            False,
            (
                "It was neither timed nor ranked. Fix that and measure again, or ask for it by name: "
                "RUNTIMES=podman."
            ),
        ),
        (True, "It is ranked because it was asked for by name; its figures say nothing of a centre's."),
    ],
)
def test_a_runtime_that_no_centre_would_run_so_is_named_above_everything(timed: bool, said: str) -> None:  # noqa: FBT001 - a parameter
    first = CASE.measured[0]
    facts = tuple(
        item.model_copy(update={"impairment": "its storage driver is vfs", "timed": timed})
        if item.id == "podman"
        else item
        for item in first.manifest.runtimes
    )
    case = measured_with(CASE, manifest=first.manifest.model_copy(update={"runtimes": facts}))
    (banner,) = page(chapters.answer(case)).select(".banner")
    assert words(banner) == (f"No centre would run podman as it runs here. its storage driver is vfs. {said}")
    assert "its storage driver is vfs" in words(page(chapters.provenance(case)))


def test_a_knock_out_that_could_not_be_tried_is_named_with_what_to_do() -> None:
    first = CASE.measured[0]
    use_case = CASE.criteria.use_cases["l1proc"]
    veto = KnockOut(criterion="setuid_planting", when=Outcome.FAILS, reason="made up", source="nobody")
    vetoed = use_case.model_copy(update={"knock_outs": (veto,)})
    cases = {**CASE.criteria.use_cases, "l1proc": vetoed}
    findings = tuple(
        replace(finding, outcome=Outcome.INERT)
        if (finding.probe, finding.runtime) == ("setuid_planting", "podman")
        else finding
        for finding in first.findings
    )
    told = observations(find("setuid_planting"), {"not_planted": "an odd reason"}, "podman").items
    recorded = {("setuid_planting", runtime): told for runtime in ("podman", "docker")}
    criteria = CASE.criteria.model_copy(update={"use_cases": cases})
    case = measured_with(replace(CASE, criteria=criteria), findings=findings, recorded=recorded)
    (banner,) = page(chapters.answer(case)).select(".banner")
    assert words(banner) == (
        "What would knock a runtime out could not be tried. Until it is, nothing can be recommended where it "
        "knocks out. P15 setuid_planting: an odd reason."
    )
    answered = measured_with(replace(CASE, criteria=criteria), recorded=recorded)
    assert not page(chapters.answer(answered)).select(".banner"), "another control has answered"
    assert not page(chapters.answer(replace(case, criteria=CASE.criteria))).select(".banner"), "no veto"


def test_the_conditions_of_a_measurement_stand_in_one_line_above_everything() -> None:
    """Measured inside a container, in a job with a quota; what is only lost has its place further down."""

    def check(what: str, state: CheckState, costs: str) -> CheckFacts:
        return CheckFacts(what=what, state=state, sentence=f"this is the {what}", costs=costs, remedy="no")

    checks = (
        check("container", CheckState.CONDITION, "not comparable"),
        check("quota", CheckState.CONDITION, "halted"),
        check("old kernel", CheckState.LOST, "limits"),
        check("clock", CheckState.SOUND, ""),
    )
    case = measured_with(CASE, manifest=CASE.measured[0].manifest.model_copy(update={"checks": checks}))
    (banner,) = page(chapters.answer(case)).select(".banner")
    assert words(banner) == (
        "Conditions of this measurement. This is the container; not comparable. This is the quota; halted."
    )
    record = page(chapters.provenance(case))
    assert "This is the container; not comparable. This is the quota" in row_of(record, "conditions")
    assert "This is the old kernel; limits" in row_of(record, "not possible here")


def test_a_run_of_which_nothing_was_looked_at_claims_no_condition() -> None:
    record = page(chapters.provenance(CASE))
    assert "not recorded" in row_of(record, "conditions")
    sound = CheckFacts(what="clocks", state=CheckState.SOUND, sentence="right")
    case = measured_with(CASE, manifest=CASE.measured[0].manifest.model_copy(update={"checks": (sound,)}))
    assert not page(chapters.answer(case)).select(".banner")
    assert "none of its own" in row_of(page(chapters.provenance(case)), "conditions")


def test_timings_of_a_busy_machine_are_said_to_be_such_before_anything_else() -> None:
    findings = tuple(
        replace(finding, pressed=5, blocks=(1, 2, 3, 4, 5))
        if (finding.probe, finding.runtime) == ("cold_start", CONTROL)
        else finding
        for finding in CASE.measured[0].findings
    )
    (banner,) = page(chapters.answer(measured_with(CASE, findings=findings))).select(".banner")
    assert words(banner).startswith(
        "Measured on a busy machine. The machine was short of processors in all 5"
    )
    lender = Borrowed(site="lender", run="r", widen_by=2.0, reason="made up", source="this test")
    lent = tuple(replace(finding, borrowed=lender) if finding.pressed else finding for finding in findings)
    assert not page(chapters.answer(measured_with(CASE, findings=lent))).select(".banner"), "not this machine"


def test_with_the_host_alone_nobody_is_named() -> None:
    alone = make_case(runtimes=(CONTROL, ABSENT))
    first = page(chapters.answer(alone))
    assert "so there is nothing to rank" in words(first)
    assert not first.select(".card")
    assert "Each product by" not in words(first)
    for chapter in (chapters.winners, chapters.sites):
        assert "nothing to rank: only the bare host was measured" in words(page(chapter(alone)))
    security = words(page(chapters.security(alone)))
    assert "No runtime was there, so nothing is held against the bare host" in security
    assert not page(chapters.security(alone)).select("table.changes")


def test_a_site_s_banners_stand_below_its_name() -> None:
    (broken_off,) = make_case(finished_at="").measured
    manifest = broken_off.manifest.model_copy(update={"site": "other"})
    both = replace(CASE, measured=(*CASE.measured, replace(broken_off, manifest=manifest)))
    (banner,) = page(chapters.answer(both)).select(".banner")
    name = banner.find_previous("h3")
    assert name is not None
    assert words(name) == "other"


def test_every_runtime_keeps_its_row_in_the_scores() -> None:
    soup = page(chapters.scores(CASE))
    first = row_of(soup, "apptainer-sandbox").replace("\N{NO-BREAK SPACE}", " ")
    assert "0.81 0.76 to 0.86 97 %" in first
    shifter = row_of(soup, ABSENT)
    assert "not measured here" in shifter
    assert WHY_ABSENT in shifter
    assert "unknown" in shifter


def test_a_long_reason_is_cut_in_the_table_and_told_in_full_below() -> None:
    first = CASE.measured[0]
    reasons = ("Nobody may do this. It is too dangerous [it was done (P01)]", "A second rule")
    use_cases = tuple(
        replace(each, verdicts=(replace(each.verdicts[0], reasons=reasons), *each.verdicts[1:]))
        for each in first.decision.use_cases
    )
    soup = page(chapters.scores(measured_with(CASE, decision=replace(first.decision, use_cases=use_cases))))
    cell = words(soup.select(".reason")[0]).replace("\N{NO-BREAK SPACE}", " ")
    assert cell == "Nobody may do this; and 1 more reason"
    full = next(words(each) for each in soup.select("details") if "in full" in words(each))
    assert all(reason in full for reason in reasons)


def test_reasons_that_are_short_are_not_told_twice() -> None:
    assert "in full" not in words(page(chapters.scores(CASE)))


def test_start_up_is_shown_in_seconds_with_the_host_and_the_fastest_first() -> None:
    pair = page(chapters.evidence(CASE)).select(".pair")[0]
    names = [words(name) for name in pair.select("tbody th")]
    assert names[:2] == [CONTROL, "charliecloud"]
    assert names[-1] == ABSENT
    assert "not measured" in words(pair.select("tbody tr")[-1])
    drawn = [text.get_text() for text in pair.select("svg text.label")]
    assert drawn == names


@pytest.mark.parametrize("made", [chapters.scores, chapters.evidence])
def test_figures_have_a_table_beside_them(made: Callable[[Case], Chapter]) -> None:
    assert page(made(CASE)).select(".pair")
    for pair in page(made(CASE)).select(".pair"):
        assert pair.select("svg[role] > title")
        assert pair.select("table")


def test_points_link_to_the_evidence_behind_them() -> None:
    opened = page(chapters.evidence(CASE)), page(chapters.security(CASE))
    links = page(chapters.pros_and_cons(CASE)).select("a")
    assert links
    for link in links:
        assert any(chapter.find(id=str(link["href"]).removeprefix("#")) for chapter in opened), link


def test_what_could_not_be_told_apart_speaks_neither_for_nor_against() -> None:
    soup = page(chapters.pros_and_cons(CASE))
    docker = next(side for side in soup.select(".side") if words(side).startswith("docker"))
    unsettled = "import storm: 1.04"
    assert unsettled in words(docker.select(".points.unsettled")[0])
    assert all(unsettled not in words(points) for points in docker.select(".points.for, .points.against"))


def test_missing_evidence_leaves_the_chances_open() -> None:
    first = CASE.measured[0]
    gap = Score(value=None, low=0.4, high=0.9)
    use_cases = tuple(
        replace(use_case, verdicts=tuple(replace(v, score=gap) for v in use_case.verdicts))
        for use_case in first.decision.use_cases
    )
    open_case = measured_with(CASE, decision=replace(first.decision, use_cases=use_cases))
    cards = [words(card) for card in page(chapters.answer(open_case)).select(".card")]
    assert "at least 97" in cards[0].replace("\N{NO-BREAK SPACE}", " ")
    assert "Chance of being first Not to be told" in cards[2]
    assert "Runner-up" not in cards[2]
    assert "extremely likely" not in cards[0]
    assert "at least 97" in row_of(page(chapters.scores(open_case)), "apptainer-sandbox")


def test_a_long_list_of_what_would_decide_is_cut_and_told_in_full_under_why() -> None:
    first = CASE.measured[0]
    many = tuple(Missing(what=f"gap number {number}") for number in range(40))
    use_cases = tuple(replace(use_case, measure_next=many) for use_case in first.decision.use_cases)
    long = measured_with(CASE, decision=replace(first.decision, use_cases=use_cases))
    card = page(chapters.answer(long)).select(".card")[1]
    assert "Gap number 1" in words(card)
    assert "gap number 2" not in words(card)
    assert "and 38 more" in words(card)
    assert page(chapters.scores(long)).find(id=str(card.select("a")[0]["href"]).removeprefix("#"))
    assert "gap number 39" in words(page(chapters.scores(long)).select("ol.next + p")[1])


def test_lighter_points_unfold() -> None:
    soup = page(chapters.pros_and_cons(CASE))
    assert all(len(points.find_all("li")) <= 3 for points in soup.select(".side > .points"))
    assert soup.select("details.more .points a")


def test_every_cell_of_the_matrix_opens_its_evidence() -> None:
    soup = page(chapters.evidence(CASE))
    rows = [row for row in soup.select("table.matrix tbody tr") if "group" not in (row.get("class") or [])]
    assert len(rows) == len(CASE.measured[0].probes) - len(CASE.measured[0].attempts)
    for row in rows:
        assert len(row.select("td")) == len(RUNTIMES)
        for link in row.select("td a"):
            assert soup.find(id=str(link["href"]).removeprefix("#")), link


def test_what_a_run_put_to_nobody_is_a_sentence_and_no_row_of_empty_cells() -> None:
    site = CASE.measured[0]
    reason = "left to the full profile"
    findings = tuple(
        replace(finding, outcome=Outcome.UNAVAILABLE, message=reason, value=None, ratio=None, samples=())
        if finding.probe == "cpu_rate" and finding.runtime != ABSENT
        else finding
        for finding in site.findings
    )
    case = measured_with(CASE, findings=findings)
    soup = page(chapters.evidence(case))
    rows = [row for row in soup.select("table.matrix tbody tr") if "group" not in (row.get("class") or [])]
    assert len(rows) == len(site.probes) - len(site.attempts) - 1
    assert f"not in this run, {reason}: cpu_rate" in words(soup.select(".wide > .note")[0])
    assert soup.find(id=Places(case).cell(case.measured[0], "cpu_rate", "docker"))
    filled = sum(finding.outcome.is_evidence for finding in case.measured[0].cells.values())
    cells = (len(site.probes) - 1) * len(RUNTIMES)
    assert f"{filled} of {cells}" in words(page(chapters.answer(case))).replace("\N{NO-BREAK SPACE}", " ")


def test_a_cell_shows_value_interval_ratio_and_state_in_words() -> None:
    row = row_of(page(chapters.evidence(CASE)), "cold_ start", table=1).replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"worse 39\d ms 38\d–40\d ms 99\.\d×", row)  # noqa: RUF001 - as printed
    assert row.endswith("not measured")


def test_an_opened_cell_goes_down_to_command_status_output_and_hash() -> None:
    soup = page(chapters.evidence(CASE))
    cell = soup.find(id=Places(CASE).cell(CASE.measured[0], "output_ownership", "docker"))
    assert isinstance(cell, Tag)
    text = words(cell)
    finding = CASE.measured[0].cells["output_ownership", "docker"]
    first = CASE.measured[0].evidence[finding.evidence[0]]
    assert "docker run --rm --pull never" in text
    assert "exit status 126" in text
    assert "payload: operation not permitted" in text
    assert f"evidence {first.id[:12]}" in text
    assert "14 November 2026, 09:12:04 UTC" in text


def test_a_measured_cell_lists_every_sample_and_that_of_the_bare_host_once() -> None:
    soup = page(chapters.evidence(CASE))
    cell = soup.find(id=Places(CASE).cell(CASE.measured[0], "cold_start", "docker"))
    assert isinstance(cell, Tag)
    text = words(cell).replace("\N{NO-BREAK SPACE}", " ")
    assert "30 samples, one per block, in s; in brackets the bare host in the same block: " in text
    listed = text.rpartition("block: ")[2].partition(" 29 further")[0]
    assert listed.count(", ") == 29
    assert listed.count("(") == 30


def test_samples_of_the_bare_host_stand_in_its_own_cell_where_they_are_the_same() -> None:
    site = CASE.measured[0]
    host = site.cells["cold_start", "host"]
    findings = tuple(
        replace(f, control=host.samples) if f.probe == "cold_start" else f for f in site.findings
    )
    soup = page(chapters.evidence(measured_with(CASE, findings=findings)))
    cell = soup.find(id=Places(CASE).cell(site, "cold_start", "docker"))
    assert isinstance(cell, Tag)
    listed = words(cell).partition("(the bare host's are in its own cell): ")[2]
    assert listed.count(", ") == 29
    assert "(" not in listed


def test_cells_that_came_to_the_same_are_told_together_with_a_transcript_each() -> None:
    soup = page(chapters.evidence(CASE))
    site, places = CASE.measured[0], Places(CASE)
    same = places.cell(site, "output_ownership", "podman")
    assert same == places.cell(site, "output_ownership", "apptainer")
    assert same != places.cell(site, "output_ownership", "docker")
    cell = soup.find(id=same)
    assert isinstance(cell, Tag)
    assert cell.h4
    assert words(cell.h4).startswith("host, podman, apptainer, apptainer-sandbox, charliecloud holds")
    for runtime in ("host", "podman", "charliecloud"):
        assert f"{runtime}: exit status 0 after" in words(cell)


def test_sites_that_came_to_the_same_are_told_together() -> None:
    first = CASE.measured[0]
    second = replace(first, folder="local/later", manifest=first.manifest.model_copy(update={"run": "later"}))
    case = replace(CASE, measured=(first, second))
    cell = page(chapters.evidence(case)).find(id=Places(case).cell(second, "output_ownership", "docker"))
    assert isinstance(cell, Tag)
    assert cell.h4
    assert words(cell.h4).count("docker") == 1
    assert f"run {first.manifest.run}, " in words(cell.h4)
    assert "docker at This machine, run later: exit status 126" in words(cell)


def test_unmeasured_sites_stand_beside_the_measured_one_with_dated_facts() -> None:
    sites = [words(site) for site in page(chapters.sites(CASE)).select(".site")]
    assert sites[0].startswith("This machine measured on 14 November 2026 L1Proc apptainer-sandbox")
    assert sites[1].startswith("SLAC not measured")
    tables = [words(table) for table in page(chapters.sites(CASE)).select("table.said")]
    assert tables[0].startswith("SLAC Topic What was said Date Standing Source")
    assert "2017-06-06" in tables[0]
    assert "A made-up page" in tables[0]
    assert "declared. Read on the page." in tables[0]


def test_a_run_in_a_batch_job_says_which_and_what_must_be_said_beside_it() -> None:
    batch = BatchFacts(
        engine="slurm",
        version="slurm-wlm 22.05.8",
        submitted_by="parsl",
        jobs=(JobFacts(id="3", node="n1"), JobFacts(id="7", node="n2")),
        remark="The nodes are virtual.",
    )
    manifest = CASE.measured[0].manifest.model_copy(update={"batch": batch})
    told = words(page(chapters.sites(measured_with(CASE, manifest=manifest))).select("article")[0])
    assert (
        "Measured in a batch job slurm-wlm 22.05.8, job 3 on n1, then 7 on n2, submitted through Parsl. "
        "The nodes are virtual."
    ) in told
    assert "Measured in a batch job" not in words(page(chapters.sites(CASE)).select("article")[0])


def test_only_web_addresses_become_links() -> None:
    links = {link["href"] for link in page(chapters.sites(CASE)).select("a")}
    assert links == {"https://example.org/policy"}


def test_the_method_begins_with_what_the_host_says_of_itself() -> None:
    soup = page(chapters.method(CASE))
    text = words(soup).replace("\N{NO-BREAK SPACE}", " ")
    assert text.startswith("Self-calibration: the bare host against itself")
    assert "no more than chance explains" in text
    heads = [words(head) for head in soup.find_all("table")[0].find_all("th", scope="col")]
    assert heads[3:6] == ["Noise floor (%)", "False positives (%)", "Detectable (%)"]
    assert re.fullmatch(
        r"cold_start \S+ 30 [\d.]+ [\d.]+ [\d.]+ \d+ (\d+|over 445)", row_of(soup, "cold_start")
    )


def test_a_machine_that_treats_equal_commands_unequally_is_pointed_out() -> None:
    odd = tuple(
        replace(f, samples=tuple(1.1 * value for value in f.control)) if f.runtime == CONTROL_AGAIN else f
        for f in CASE.measured[0].findings
    )
    text = words(page(chapters.method(measured_with(CASE, findings=odd))))
    assert "more than chance explains, so something on this machine treats equal commands unequally" in text


def test_the_method_shows_its_constants_and_every_probe() -> None:
    soup = page(chapters.method(CASE))
    assert row_of(soup, "indifference margin", table=1).startswith("indifference margin 0.05")
    assert len(soup.select("details")) == len(CASE.measured[0].probes)


def test_without_a_second_control_arm_the_noise_floor_is_said_to_be_unknown() -> None:
    bare = tuple(f for f in CASE.measured[0].findings if f.runtime != "host-again")
    assert "noise floor is not known" in words(page(chapters.method(measured_with(CASE, findings=bare))))


def test_provenance_has_versions_modes_sizes_and_digests() -> None:
    soup = page(chapters.provenance(CASE))
    text = words(soup).replace("\N{NO-BREAK SPACE}", " ")
    assert "6.18.0" in text
    assert DIGEST in text
    assert "The same in every form." in text
    assert "216 MB" in text
    assert "180 MB 3.90 s" in row_of(soup, "docker", table=1).replace("\N{NO-BREAK SPACE}", " ")
    assert WHY_ABSENT in row_of(soup, ABSENT, table=2)


def test_provenance_has_what_was_seen_of_a_runtime_before_its_many_settings() -> None:
    manifest = CASE.measured[0].manifest
    settings = ("setuid helper: installed", *(f"setting {number}: yes" for number in range(9)))
    changed = {"seen": ("user namespace: the host's",), "security": settings}
    runtimes = tuple(
        facts.model_copy(update=changed) if facts.id == "docker" else facts for facts in manifest.runtimes
    )
    case = measured_with(CASE, manifest=manifest.model_copy(update={"runtimes": runtimes}))
    row = row_of(page(chapters.provenance(case)), "docker", table=2)
    assert "user namespace: the host's setuid helper: installed, and 9 settings" in row
    assert "setting 8: yes" in row


@pytest.mark.parametrize(
    ("residue", "told"),
    [
        (None, "nobody looked"),
        ((), "nothing"),
        (("mount: tmpfs on /x", "key: user a"), "mount: tmpfs on /x; key: user a"),
    ],
)
def test_provenance_says_what_was_left_on_the_machine(residue: tuple[str, ...] | None, told: str) -> None:
    soup = page(chapters.provenance(measured_with(CASE, residue=residue)))
    assert row_of(soup, "left on the machine").endswith(told)


def test_a_form_with_other_content_is_pointed_out() -> None:
    manifest = CASE.measured[0].manifest
    assert manifest.image is not None
    odd = FormFacts(
        runtime="podman", form="x", reference="", size_bytes=None, convert_s=1.0, digest="sha256:0"
    )
    image = manifest.image.model_copy(update={"forms": (odd,)})
    changed = measured_with(CASE, manifest=manifest.model_copy(update={"image": image}))
    assert "Another one, or none, in: podman." in words(page(chapters.provenance(changed)))


def test_a_run_without_an_image_says_so() -> None:
    manifest = CASE.measured[0].manifest.model_copy(update={"image": None})
    assert "used no image" in words(page(chapters.provenance(measured_with(CASE, manifest=manifest))))


def test_rerunning_names_the_run() -> None:
    assert "results/local/2026-11-14T0912/outputs.jsonl*" in words(page(chapters.rerun(CASE)))


def test_a_report_on_nothing_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="no run to report on"):
        replace(CASE, measured=())


def test_two_runs_of_one_site_stand_side_by_side_without_getting_mixed_up() -> None:
    first = CASE.measured[0]
    second = replace(first, folder="local/later", manifest=first.manifest.model_copy(update={"run": "later"}))
    both = replace(CASE, measured=(first, second))
    titles = [words(title) for title in page(chapters.sites(both)).select(".site h3")]
    assert titles == ["This machine, run 2026-11-14T0912", "This machine, run later", "SLAC", "CC-IN2P3"]
    identifiers = [element["id"] for element in page(chapters.evidence(both)).select("[id]")]
    assert len(identifiers) == len(set(identifiers))


def test_a_probe_that_could_not_be_run_is_named_with_the_reason() -> None:
    manifest = CASE.measured[0].manifest.model_copy(update={"unavailable": {"tape_drive": "there is none"}})
    text = words(page(chapters.provenance(measured_with(CASE, manifest=manifest))))
    assert "tape_drive could not be run at all: there is none" in text


# -- runtimes that were not asked everything -------------------------------------------------------------


def with_unranked() -> Case:
    """The case in which podman is a mode that nobody named, and docker the positive control."""
    first = CASE.measured[0]
    roles = {"podman": Role.VARIANT, "docker": Role.POSITIVE_CONTROL}
    facts = tuple(
        item.model_copy(update={"role": roles[item.id], "timed": False}) if item.id in roles else item
        for item in first.manifest.runtimes
    )
    return measured_with(
        CASE,
        manifest=first.manifest.model_copy(update={"runtimes": facts}),
        findings=tuple(
            item for item in first.findings if item.runtime not in roles or item.texts.group == "security"
        ),
    )


def test_who_was_not_asked_is_neither_measured_nor_missing() -> None:
    site = with_unranked().measured[0]
    assert not {"podman", "docker"} & {*site.measured, *site.ranked, *dict(site.absent)}
    assert "not measured here: podman" not in words(page(chapters.answer(with_unranked()))).lower()


def test_what_was_not_asked_is_no_gap_in_the_matrix_and_the_attempts_can_be_opened() -> None:
    matrix = page(chapters.evidence(with_unranked())).select(".matrix")[0]
    named = matrix.select("tr:has(th span)")
    rows = {row.select("th span")[0].get_text(): words(row) for row in named}
    assert rows["cold_start"].count("not asked") == 2
    assert "not asked" not in words(page(chapters.evidence(CASE)).select(".matrix")[0])
    security = page(chapters.security(with_unranked()))
    attempted = security.select(".matrix td a[href^='#']")
    assert attempted
    assert all(security.find(id=str(link["href"])[1:]) for link in attempted)


def test_a_site_says_what_else_was_tried_and_what_nobody_should_run() -> None:
    told = words(page(chapters.sites(with_unranked())).select("article")[0])
    assert "were also tried in podman: modes" in told
    assert "docker: as open as it can be made" in told
    assert "also tried" not in words(page(chapters.sites(CASE)))


def test_the_manifest_says_every_runtimes_role_and_no_form_twice() -> None:
    case = with_unranked()
    manifest = case.measured[0].manifest
    assert manifest.image
    forms = tuple(
        form.model_copy(update={"made_by": "apptainer"}) if form.runtime == "podman" else form
        for form in manifest.image.forms
    )
    image = manifest.image.model_copy(update={"forms": forms})
    case = measured_with(case, manifest=manifest.model_copy(update={"image": image}))
    soup = page(chapters.provenance(case))
    tables = {words(table.select("caption")[0]).split()[0]: table for table in soup.select("table")}
    named = {words(row.select("th")[0]): words(row) for row in tables["Runtimes,"].select("tbody tr")}
    assert "variant not asked everything, not ranked" in named["podman"]
    assert "positive control" in named["docker"]
    assert "bare host" in named["host"]
    assert "podman" not in [words(name) for name in tables["Image"].select("tbody th")]
