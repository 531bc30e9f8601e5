"""The chapters on what an answer hangs on, decided for real from made-up findings."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup, Tag
from synthetic_case import make_case

from evaluation.decide.score import decide
from evaluation.model import Outcome, Standing
from evaluation.report import chapters, weighing
from evaluation.report.markup import Chapter
from evaluation.report.source import Case
from evaluation.store import FormFacts
from evaluation.units import within


@pytest.fixture(scope="module")
def case() -> Case:
    made = make_case()
    site = made.measured[0]
    decision = decide(site.findings, made.criteria, made.sites[site.site])
    return replace(made, measured=(replace(site, decision=decision),))


def page(chapter: Chapter) -> BeautifulSoup:
    return BeautifulSoup(chapter._repr_html_(), "html.parser")


def words(element: Tag) -> str:
    return re.sub(r"\s+", " ", element.get_text(" ")).replace("\N{NO-BREAK SPACE}", " ").strip()


def test_each_answer_says_what_turns_it_round_and_what_other_methods_say(case: Case) -> None:
    soup = page(chapters.robustness(case))
    sections = soup.select("section.held")
    assert len(sections) == len(case.criteria.use_cases)
    for section, decision in zip(sections, case.measured[0].decision.use_cases, strict=True):
        held = decision.robustness
        assert held is not None
        said = words(section.select("p.prose")[0])
        if held.methods:
            assert "first." in said
            assert len(section.select("table.opinions tbody tr")) == 3
        else:
            assert "some evidence is missing" in said
        rows = section.select("table.ranks tbody tr")
        assert [words(row.select("th")[0]) for row in rows] == list(held.runtimes)
        assert len(section.select("details table tbody tr")) == len(held.groups) + len(held.stability)


def test_every_place_that_tells_a_range_tells_the_same_one(case: Case) -> None:
    tables = page(chapters.robustness(case)).select("section.held details table")
    moved = page(chapters.what_if(case))
    for place, (name, decision) in enumerate(
        zip(case.criteria.use_cases, case.measured[0].decision.use_cases, strict=True)
    ):
        held = decision.robustness
        assert held is not None
        rows = {words(row.select("th")[0]): row for row in tables[place].select("tbody tr")}
        told = weighing.table(case.criteria, case, (name,))
        for item in held.stability:
            said = within(item.low, item.high)
            row = next(rows[each] for each in rows if re.sub(r"\s", "", each) == item.criterion)
            assert words(row.select("td")[1]) == said
            (line,) = (each for each in told.splitlines() if each.split()[:1] == [item.criterion])
            assert line.endswith("never first by this weight alone" if said == "none" else said)
            cells = [
                tr.select("td")[place]
                for tr in moved.select("tr[data-criterion]")
                if re.sub(r"\s", "", words(tr.select("th")[0])).startswith(item.criterion)
            ]
            shown = [words(small) for cell in cells for small in cell.select(".stands")]
            assert said == "none" or said in shown


def test_the_shade_of_a_rank_goes_with_its_share(case: Case) -> None:
    for cell in page(chapters.robustness(case)).select("table.ranks td"):
        (shade,) = (int(name.removeprefix("heat")) for name in cell["class"] if name.startswith("heat"))
        share = words(cell)
        if re.fullmatch(r"\d+ %", share):
            assert shade == pytest.approx(float(share.split()[0]) / 10, abs=0.51)


def of_two_sites(case: Case, *second: Standing) -> Case:
    """The first site recommends its leader in every use case; at the second it has one of these standings."""
    site, known = case.measured[0], case.sites[case.measured[0].site]
    sites = {
        "one": known.model_copy(update={"id": "one", "title": "One"}),
        "two": known.model_copy(update={"id": "two", "title": "Two <b>"}),
    }
    wanted = {"one": (Standing.RECOMMENDED,) * len(second), "two": second}
    measured = tuple(
        replace(
            site,
            manifest=site.manifest.model_copy(update={"site": name}),
            folder=f"{name}/run",
            decision=replace(
                site.decision,
                use_cases=tuple(
                    replace(
                        decision,
                        verdicts=tuple(
                            replace(verdict, standing=standing if place == 0 else Standing.BEHIND)
                            for place, verdict in enumerate(decision.verdicts)
                        ),
                    )
                    for decision, standing in zip(site.decision.use_cases, wanted[name], strict=True)
                ),
            ),
        )
        for name in sites
    )
    return replace(case, sites=sites, measured=measured)


def test_what_is_said_of_all_sites_is_tried_without_each_of_them(case: Case) -> None:
    leaders = [decision.verdicts[0].runtime for decision in case.measured[0].decision.use_cases]
    two = of_two_sites(case, Standing.RECOMMENDED, Standing.UNDECIDED, Standing.KNOCKED_OUT)
    said = [words(each) for each in page(chapters.robustness(two)).select("dl.apart dd")]
    assert said[0] == (
        f"{leaders[0]} comes first at every measured site. Leaving out any one site changes nothing in this."
    )
    assert said[1].startswith("No runtime comes first at every measured site: ")
    assert f"{leaders[1]} at One; undecided at Two <b> ({leaders[1]})." in said[1]
    assert said[1].endswith(f"Without Two <b>, {leaders[1]} would come first at the other site.")
    assert "nobody competes at Two <b>" in said[2]


def test_with_one_site_none_can_be_left_out(case: Case) -> None:
    soup = page(chapters.robustness(case))
    assert not soup.select("dl.apart")
    assert "whether another would answer alike is not known" in words(soup)


def test_a_site_without_containers_has_no_robustness(case: Case) -> None:
    site = case.measured[0]
    only_host = tuple(
        found if found.runtime.startswith("host") else replace(found, outcome=Outcome.UNAVAILABLE)
        for found in site.findings
    )
    decision = decide(only_host, case.criteria, case.sites[site.site])
    bare = replace(case, measured=(replace(site, findings=only_host, decision=decision),))
    assert not page(chapters.robustness(bare)).select("section")
    assert "nothing to rank: only the bare host was measured" in words(page(chapters.winners(bare)))


def test_winners_stand_by_use_case_and_site_and_link_to_why(case: Case) -> None:
    soup, why = page(chapters.winners(case)), page(chapters.scores(case))
    assert len(soup.select("tbody tr")) == len(case.criteria.use_cases)
    for link in soup.select("td a"):
        assert why.find(id=str(link["href"]).removeprefix("#"))
    assert "not measured" in words(soup)


def test_the_parts_of_a_score_sum_to_it(case: Case) -> None:
    soup = page(chapters.scores(case))
    for section, decision in zip(
        soup.select("section.use-case"), case.measured[0].decision.use_cases, strict=True
    ):
        table = section.select("div.pair")[1].select("table")[0]
        for row, verdict in zip(table.select("tbody tr"), decision.verdicts, strict=True):
            lows = [float(words(cell).split("\N{EN DASH}")[0]) for cell in row.select("td")]
            assert sum(lows) == pytest.approx(verdict.score.low, abs=0.02)


def test_the_first_is_held_against_the_second_in_a_sentence(case: Case) -> None:
    said = [words(item) for item in page(chapters.scores(case)).select("section.use-case > p.prose")]
    assert said
    assert all("ahead of" in each or "get the same" in each for each in said)


def test_the_ledger_has_every_image_in_every_form(case: Case) -> None:
    soup = page(chapters.images(case))
    rows = soup.select("table.ledger tbody tr")
    images = case.measured[0].manifest.images
    assert [words(row.select("th")[0]).split()[0] for row in rows] == list(images)


def test_a_mode_has_no_column_in_the_ledger_unless_its_base_has_none(case: Case) -> None:
    site = case.measured[0]
    image = site.manifest.image
    assert image

    def ledger(*forms: FormFacts) -> list[str]:
        manifest = site.manifest.model_copy(update={"image": image.model_copy(update={"forms": forms})})
        shown = replace(case, measured=(replace(site, manifest=manifest),))
        return [words(name) for name in page(chapters.images(shown)).select("table.ledger thead th")][2:]

    docker = next(form for form in image.forms if form.runtime == "docker")
    mode = docker.model_copy(update={"runtime": "docker-user", "made_by": "docker"})
    assert ledger(docker, mode) == ["docker"]
    assert ledger(mode) == ["docker-user"]
