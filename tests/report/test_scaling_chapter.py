"""What the scaling chapter says, with and without sweeps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from made_up_sweep import PROBE, made_up_sweep, steady, sweep_run
from synthetic_case import make_case

from evaluation.decide.farm import load_scaling
from evaluation.decide.scalability import Fit, Law
from evaluation.decide.sweeps import BURST, CLIMB, COLD_BURST, Node, Sweep, Taken
from evaluation.manifest import BatchFacts
from evaluation.report import chapters, preview
from evaluation.report.crowding import advice, broken, knee, left_behind
from evaluation.report.panels import axes_of
from evaluation.units import quantity

SCALING = load_scaling(Path(__file__).parents[2] / "scaling.yaml")
PEAKED = Law(rate=100.0, contention=0.05, coherency=0.02)
WIDTHS = (1, 2, 4, 8, 16)


def levels(runtime: str, law: Law = PEAKED, widths: Sequence[int] = WIDTHS) -> list[Taken]:
    return [
        steady(runtime, width, float(law.throughput(width)) * (1 + 0.01 * repeat), repeat)
        for width in widths
        for repeat in (1, 2)
    ]


def chapter(sweep: Sweep | None) -> BeautifulSoup:
    case = make_case()
    site = case.measured[0].site
    case = replace(case, sweeps={site: sweep} if sweep else {}, scaling=SCALING)
    return BeautifulSoup(chapters.scaling(case).html, "html.parser")


def words(soup: BeautifulSoup) -> str:
    return re.sub(r"\s+", " ", soup.get_text(" "))


def test_without_a_sweep_the_chapter_says_so_and_how_to_run_one() -> None:
    text = words(chapter(None))
    assert "No sweep was run here" in text
    assert re.search(r"evaluation sweep --site \w+", text)


def test_the_first_sentence_tells_a_batch_manager_how_many() -> None:
    text = words(chapter(made_up_sweep([*levels("host"), *levels("charliecloud")])))
    assert "Let a node like this one (1 core) start so many at once: charliecloud 8." in text
    assert "No sweep was run" not in text
    assert "After the sweep nothing was on the machine" in text


def test_measured_and_calculated_are_drawn_apart() -> None:
    soup = chapter(made_up_sweep([*levels("host"), *levels("charliecloud")]))
    assert soup.select("path.fit")
    assert soup.select("path.ribbon")
    assert soup.select("path.knee")
    calculated = soup.select("path.calculated")
    assert len(calculated) == len(SCALING.farm.cached)  # the bare host has no image to bring
    for path in calculated:
        assert "calculated" in path.find_parent("figure").get_text()  # type: ignore[union-attr]
    assert not [path for path in soup.select("path.fit") if "calculated" in path["class"]]
    assert "Calculated, not measured" in words(soup)


def test_every_level_stands_in_a_table_beside_the_pictures() -> None:
    table = chapter(made_up_sweep(levels("charliecloud"))).select("details table")[0]
    assert [row.select("td")[0].get_text() for row in table.select("tbody tr")] == [str(n) for n in WIDTHS]


def test_what_the_daemons_used_is_a_dash_where_nobody_could_see_it() -> None:
    def cell(engine_cpu_s: float | None) -> str:
        table = chapter(made_up_sweep([steady("charliecloud", 1, 1.0, engine_cpu_s=engine_cpu_s)])).select(
            "details table"
        )[0]
        place = [head.get_text() for head in table.select("th[scope=col]")].index(
            "of it the engine's daemons"
        )
        return table.select("tbody tr")[0].select("th, td")[place].get_text()

    assert cell(3.0) == quantity(0.03, "s")
    assert cell(0.0) == quantity(0.0, "s")
    assert cell(None) == "\N{EN DASH}"


def test_bursts_are_told_apart_and_a_warm_one_is_not_called_cold() -> None:
    burst = steady("charliecloud", 16, 50.0, kind=BURST)
    cold = replace(steady("charliecloud", 16, 10.0, kind=COLD_BURST), not_cold="only root can empty it")
    soup = chapter(made_up_sweep([*levels("charliecloud"), burst, cold]))
    assert "From disk: only root can empty it." in words(soup)
    row = soup.select("table")[0].select("tbody tr")[0]
    assert [cell.get_text() for cell in row.select("td")[-2:]] == [quantity(2.0, "s"), quantity(10.0, "s")]


def test_few_levels_have_no_law_and_nothing_is_calculated() -> None:
    soup = chapter(made_up_sweep(levels("charliecloud", widths=(1, 2))))
    assert "Too few widths were measured for a scalability law." in words(soup)
    assert "Calculated, not measured" not in words(soup)


def fit_with(knee_at: float, low: float, high: float) -> Fit:
    law = Law(rate=1.0, contention=0.0, coherency=1 / knee_at**2)
    return Fit(law=law, low=low, high=high, widest=64, curve=(), scatter=0.0)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (fit_with(8, 6, 12), "Throughput peaks with about 8 at once (95 % interval 6 to 12)."),
        (fit_with(40, 20, 90), "(95 % interval 20 to more than 64, whose end was not measured)."),
        (
            fit_with(90, 50, float("inf")),
            "does not peak up to 64 at once (95 % interval 50 to more than 64).",
        ),
    ],
)
def test_a_knee_is_never_placed_beyond_what_was_measured(found: Fit, said: str) -> None:
    assert knee(found).endswith(said)


def test_what_broke_is_answered_or_bounded() -> None:
    fine = made_up_sweep(levels("charliecloud"))
    assert broken(fine, PROBE, "charliecloud") == (
        "Nothing broke with up to 16 at once. 0 of 1000 failed. Nothing was left behind."
    )
    stopped = replace(
        steady("charliecloud", 32, 9.0, 0, kind=CLIMB, failed=40),
        stopped="40 of them failed",
        left=("mounts: /x",),
    )
    assert broken(made_up_sweep([*levels("charliecloud"), stopped]), PROBE, "charliecloud") == (
        "Stopped at 32: 40 of them failed. 40 of 1100 failed: "
        "40 \N{MULTIPLICATION SIGN} exit status 125: made up. "
        "Left behind: mounts: /x."
    )


def test_advice_is_about_waiting_where_more_gain_nothing_and_open_where_nobody_tried() -> None:
    sweep = made_up_sweep(levels("charliecloud"))
    assert "at once half of them take" in advice(sweep, PROBE, "charliecloud", 0.95)
    growing = made_up_sweep(levels("charliecloud", Law(rate=1.0, contention=0.0, coherency=0.0)))
    assert advice(growing, PROBE, "charliecloud", 0.95).endswith("More were not tried.")


@pytest.mark.parametrize(
    ("residue", "said"),
    [
        (None, "nobody looked"),
        ((), "nothing was on the machine"),
        (("a", "b", "c", "d", "e"), "a; b; c and 2 more"),
    ],
)
def test_what_the_audit_found_is_told(residue: tuple[str, ...] | None, said: str) -> None:
    assert said in left_behind(made_up_sweep((), residue))


def test_axes_hold_every_point_in_whole_decades() -> None:
    axes = axes_of([(1.0, 0.3), (64.0, 41.0), (8.0, 2.0)], "s")
    assert [axes.bottom, axes.top] == pytest.approx([0.1, 100.0])
    assert (axes.left, axes.right) == (1.0, 64.0)
    assert axes.y(0.1) > axes.y(1.0) > axes.y(100.0) == 0


def test_whoever_has_just_swept_is_told_in_a_table_and_in_sentences(tmp_path: Path) -> None:
    text = preview.sweep_text(sweep_run(tmp_path, "20260101T000000Z-a", [1, 2]))
    assert re.search(r"sweep_start +charliecloud +1 +0\.500 +- +- +- +1 of 2", text)
    assert "Nothing broke with up to 2 at once. 2 of 4 failed" in re.sub(r"\s+", " ", text)
    assert "nobody looked at what it left" in text


def spread_over(nodes: int, machines: int, bound_s: float, **more: object) -> Taken:
    shares = tuple(
        Node(name=f"n{n % machines}", width=4 // nodes, handed_over_s=0.004, clock="made up", bound_s=bound_s)
        for n in range(nodes)
    )
    return replace(steady("charliecloud", 4, 50.0 * nodes), nodes=shares, **more)  # type: ignore[arg-type]


def test_a_sweep_across_nodes_is_a_table_of_its_own_that_says_what_its_nodes_are() -> None:
    case = make_case()
    site = case.measured[0].site
    lost = {"failed": Counter({"lost with node n1": 16}), "stopped": "lost with node n1"}
    sweep = made_up_sweep([spread_over(1, 1, 0.0), spread_over(2, 2, 25e-6, **lost), spread_over(4, 2, 0.0)])
    remark = "The nodes of this test cluster are virtual."
    batch = BatchFacts(engine="slurm", version="", submitted_by="parsl", jobs=(), remark=remark)
    sweep = replace(sweep, manifest=sweep.manifest.model_copy(update={"batch": batch}))
    soup = BeautifulSoup(chapters.scaling(replace(case, across={site: sweep})).html, "html.parser")
    (region,) = soup.select('[aria-label="Sweep across nodes"]')
    rows = [
        [cell.get_text().replace("\xa0", " ") for cell in row.select("td")]
        for row in region.select("tbody tr")
    ]
    assert [(row[0], row[1], row[2], row[5], row[7]) for row in rows] == [
        ("4", "1 node", "50", "0 of 100", "one"),
        ("4", "2 nodes", "100", "16 of 100", "within 25.0 µs"),
        ("4", "2 nodes, 4 jobs", "200", "0 of 100", "one"),
    ]
    assert remark in words(soup)
    assert "Stopped: charliecloud: lost with node n1." in words(soup)
    assert "No sweep was run here" in words(soup), "on one host none was"
    assert "Across nodes" not in words(chapter(sweep))
