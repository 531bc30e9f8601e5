"""The what-if chapter in a real browser: arithmetic as in Python, keyboard, link, and a file to take home."""

from __future__ import annotations

import difflib
import json
import math
import random
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from decided_case import decided_case
from microweights import PATH as CRITERIA
from playwright.sync_api import Browser, Locator, Page
from synthetic_case import executed

from browser import mirror
from browser.chromium import HOSTILE, NEEDED, Open, Show
from evaluation.decide.borrowing import with_borrowed
from evaluation.decide.chances import noise
from evaluation.decide.criteria import load_criteria
from evaluation.decide.score import decide
from evaluation.decide.standing import depending, rank
from evaluation.decide.whatif import Gaps, Table, imagine, table
from evaluation.model import Finding, Outcome, Score
from evaluation.report.build import page as build_page
from evaluation.report.source import Case
from evaluation.sites import Borrow

pytestmark = NEEDED

LISTEN: Final = """
    new MutationObserver(() => { document.body.dataset.announced = "yes"; }).observe(
        document.querySelector("[aria-live]"), {subtree: true, childList: true, characterData: true})
"""
UNKNOWN: Final = [
    ("cold_start", "podman"),
    ("import_storm", "charliecloud"),
    ("setuid_planting", "apptainer"),
]


@pytest.fixture(scope="module")
def case() -> Case:
    return borrowing(losing(decided_case(measured=2, unknown=UNKNOWN, criteria=CRITERIA)))


def losing(case: Case) -> Case:
    """Let two runtimes of the first site lack blocks of a probe, each of them others."""
    site = case.measured[0]
    lost = {("import_storm", "apptainer"): (2, 7), ("import_storm", "podman"): (0,)}
    findings = tuple(
        now_and_then(without(each, lost.get((each.probe, each.runtime), ()))) for each in site.findings
    )
    decision = decide(findings, case.criteria, case.sites[site.site])
    return replace(case, measured=(replace(site, findings=findings, decision=decision), *case.measured[1:]))


def now_and_then(finding: Finding) -> Finding:
    """Let two runtimes hear a signal in some of the turns only."""
    held = {("signal_delivery", "podman"): 5, ("signal_delivery", "docker"): 2}.get(
        (finding.probe, finding.runtime)
    )
    if held is None:
        return finding
    return replace(finding, outcome=Outcome.SOMETIMES, held=held, turns=6)


def without(finding: Finding, lost: tuple[int, ...]) -> Finding:
    kept = [place for place, block in enumerate(finding.blocks) if block not in lost]
    return replace(
        finding,
        blocks=tuple(finding.blocks[place] for place in kept),
        samples=tuple(finding.samples[place] for place in kept),
        control=tuple(finding.control[place] for place in kept),
    )


def borrowing(case: Case) -> Case:
    """Let the second site borrow some of what has weight: scores between a point and the unknown."""
    lender, site = case.measured
    names = list(case.criteria.weights(next(iter(case.criteria.use_cases))))[:4]
    borrow = Borrow.model_validate(
        {"from": lender.site, "criteria": tuple(names), "widen_by": 1.5, "reason": "made up", "source": "-"}
    )
    known = case.sites[site.site].model_copy(update={"borrows": (borrow,)})
    probes = {case.criteria.criteria[name].probe for name in names}
    own = [finding for finding in site.findings if finding.probe not in probes]
    findings = with_borrowed(own, lender.findings, known, case.criteria, run=site.manifest.run)
    decision = decide(findings, case.criteria, known)
    assert any(row.score.value is None and row.score.high - row.score.low < 1 for row in decision.rows)
    second = replace(site, findings=findings, decision=decision)
    return replace(case, measured=(lender, second), sites={**case.sites, site.site: known})


@pytest.fixture(scope="module")
def report(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    notebook = executed(case)
    for cell in notebook.cells:
        if "outputs" in cell and cell.source not in {"chapters.what_if(case)", "chapters.rerun(case)"}:
            cell.outputs = []  # the other chapters have tests of their own, and only take time here
    path.write_text(build_page(notebook), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(report: Path) -> dict[str, Any]:
    found = re.search(r'id="what-if-data">(.*?)</script>', report.read_text(encoding="utf-8"))
    assert found
    loaded: dict[str, Any] = json.loads(found[1])
    return loaded


@pytest.fixture
def show(show_report: Show, report: Path) -> Open:
    return partial(show_report, report)


def link(**said: str) -> str:
    return "#what-if:" + "&".join(f"{name.replace('__', '.')}={value}" for name, value in said.items())


def shown(page: Page, site: int = 0) -> dict[str, dict[str, Any]]:
    """What the result table of a site says, by runtime and in its order."""
    rows = page.locator(".scroll.result").nth(site).locator("tbody tr").all()
    found = {}
    for row in rows:
        numbers = {name: row.get_attribute(f"data-{name}") for name in ("low", "high", "chance")}
        found[str(row.get_attribute("data-runtime"))] = {
            "standing": row.locator(".state").inner_text(),
            **{name: float(text) if text else None for name, text in numbers.items()},
        }
    return found


def settle(page: Page) -> None:
    """Wait until the next frame is over: every change is shown within it."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def points(page: Page, criterion: str) -> Locator:
    return page.get_by_label(f"Points of {criterion}", exact=True)


def laid(case: Case, site: int, use_case: int) -> Table:
    at = case.measured[site]
    spread = noise(at.decision.rows, case.criteria)
    answer = at.decision.use_cases[use_case]
    return table(at.decision, answer, case.criteria, case.sites[at.site], noise=spread, families={})


# -- the arithmetic ---------------------------------------------------------------------------------------


def test_as_signed_it_shows_what_was_decided(case: Case, show: Open) -> None:
    page = show().page
    for place, title in enumerate(use_case.title for use_case in case.criteria.use_cases.values()):
        page.get_by_role("radio", name=title).check()
        settle(page)
        for site in range(2):
            verdicts = case.measured[site].decision.use_cases[place].verdicts
            seen = shown(page, site)
            measured = [verdict for verdict in verdicts if verdict.runtime in seen]
            assert [*seen] == [verdict.runtime for verdict in measured]
            for verdict in measured:
                assert seen[verdict.runtime]["standing"] == verdict.standing
                assert seen[verdict.runtime]["chance"] == verdict.p_first


@pytest.mark.parametrize("example", range(6))
def test_scores_standings_and_chances_are_those_of_python(
    case: Case, data: dict[str, Any], show: Open, example: int
) -> None:
    rng = random.Random(example)  # noqa: S311 - examples, no secrets
    gaps, knock_outs = rng.choice([*Gaps]), rng.random() < 0.5
    place = rng.randrange(len(data["useCases"]))
    use_case = data["useCases"][place]["id"]
    moved_to = {row["id"]: rng.choice([0, 1, 3.25, 12, 40]) for row in data["criteria"]}
    moved = "~".join(f"{name}:{weight}" for name, weight in moved_to.items())
    said = link(
        use=use_case, gaps=gaps, **{"knock-outs": "on" if knock_outs else "off", f"points.{use_case}": moved}
    )
    page = show(fragment=said).page
    for site in range(2):
        on = laid(case, site, place)
        engine = case.sites[case.measured[site].site].batch.engine
        out = case.criteria.inapplicable(engine)
        weights = {name: 0 if name in out else points for name, points in moved_to.items()}
        expected = imagine(on, weights, case.criteria.method, gaps=gaps, knock_outs=knock_outs)
        seen = shown(page, site)
        field = [runtime for runtime in on.runtimes if runtime in expected.scores]
        columns = [data["sites"][site]["runtimes"].index(runtime) for runtime in field]
        drawn = dict(zip(field, mirror.chances(data, site, [*weights.values()], columns, gaps), strict=True))
        ranking = rank(
            expected.scores,
            drawn,
            bar=case.criteria.method.p_first_bar.value,
            tie_margin=case.criteria.method.score_tie_margin.value,
            unresolved=on.unresolved if knock_outs else (),
        )
        ranking = depending(ranking, expected.scenarios)
        for runtime, score in expected.scores.items():
            assert seen[runtime]["low"] == pytest.approx(score.low, abs=1e-9)
            assert seen[runtime]["high"] == pytest.approx(score.high, abs=1e-9)
            assert seen[runtime]["standing"] == ranking.standings[runtime]
            assert seen[runtime]["chance"] == pytest.approx(drawn[runtime], abs=1e-9)
            # 4,000 draws and 1,000 resamples here, 100,000 and 10,000 there
            assert seen[runtime]["chance"] == pytest.approx(expected.chances[runtime], abs=0.04)
        assert [runtime for runtime in seen if runtime in field] == [*ranking.order]


def test_a_gap_is_filled_as_it_is_said(show: Open) -> None:
    page = show().page
    scores: dict[str, Score] = {}
    for name in ("the worst", "the middle", "the best"):
        page.get_by_role("radio", name=name).check()
        settle(page)
        row = shown(page)["podman"]
        assert row["low"] == row["high"]
        scores[name] = Score(value=row["low"], low=row["low"], high=row["high"])
    assert scores["the worst"].low < scores["the middle"].low < scores["the best"].low


def test_without_knock_outs_everyone_measured_competes(show: Open) -> None:
    page = show().page
    before = {runtime for runtime, row in shown(page).items() if row["standing"] == "knocked out"}
    assert before
    page.get_by_label("hold (as signed)").uncheck()
    settle(page)
    assert all(shown(page)[runtime]["low"] is not None for runtime in before)


# -- the desk ---------------------------------------------------------------------------------------------


def test_a_slider_moved_by_keyboard_changes_the_verdict_and_announces_it(show: Open) -> None:
    page = show(fragment=link(gaps="middle", **{"knock-outs": "off"})).page
    status = page.get_by_role("status")
    before = status.inner_text()
    assert status.get_attribute("aria-live") == "polite"
    page.evaluate(LISTEN)
    page.get_by_role("button", name="Time lost").press("Enter")
    for name in ("cpu_rate", "cold_start", "import_storm", "syscall_rate"):
        points(page, name).focus()
        page.keyboard.press("End")
    points(page, "the group handling").focus()
    page.keyboard.press("Home")
    points(page, "the group opening").focus()
    page.keyboard.press("Home")
    settle(page)
    assert status.inner_text() != before
    assert page.evaluate("document.body.dataset.announced") == "yes"
    assert points(page, "the group opening").get_attribute("aria-valuetext") == "0 points, 0 % of the weight"


def test_nothing_is_announced_while_the_verdict_stays(show: Open) -> None:
    page = show().page
    page.evaluate(LISTEN)
    points(page, "the group opening").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert page.evaluate("document.body.dataset.announced ?? 'no'") == "no"


def test_a_group_unfolds_into_criteria_and_moves_them_in_proportion(case: Case, show: Open) -> None:
    page = show().page
    slider = points(page, "cpu_rate")
    assert not slider.is_visible()
    page.get_by_role("button", name="Time lost").click()
    assert slider.is_visible()
    group = points(page, "the group time")
    before = int(group.input_value())
    group.fill(str(before * 2 if before * 2 <= 100 else before // 2))
    settle(page)
    weights = case.criteria.weights("l1proc")
    factor = int(group.input_value()) / before
    text = str(slider.get_attribute("aria-valuetext"))
    assert float(text.split(maxsplit=1)[0]) == pytest.approx(weights["cpu_rate"] * factor, abs=0.006)
    group.fill("0")
    settle(page)
    group.fill(str(before))
    settle(page)
    assert float(str(slider.get_attribute("aria-valuetext")).split(maxsplit=1)[0]) == pytest.approx(
        weights["cpu_rate"], abs=0.006
    )


def moved(page: Page, label: str, value: str) -> None:
    """Put a slider somewhere; it must be in sight."""
    points(page, label).fill(value)
    settle(page)


def changed_lines(text: str) -> list[str]:
    lines = difflib.ndiff(CRITERIA.read_text(encoding="utf-8").splitlines(), text.splitlines())
    return [line for line in lines if line.startswith(("+ ", "- "))]


def test_a_declared_group_has_one_slider_and_is_written_as_one_number(
    case: Case, show: Open, tmp_path: Path
) -> None:
    page = show().page
    page.get_by_role("radio", name="End user").check()
    opener = page.get_by_role("button", name="Handling")
    assert opener.get_attribute("aria-expanded") == "false"
    moved(page, "the group handling", "10")  # no third of it is a decimal number
    text = downloaded(page, tmp_path / "criteria.yaml")
    removed, added = changed_lines(text)
    assert removed.removeprefix("- ") == added.removeprefix("+ ").replace("handling: 10", "handling: 20")
    written = load_criteria(tmp_path / "criteria.yaml")
    expected = imagine(laid(case, 0, 1), written.weights("end-user"), case.criteria.method)
    seen = shown(page)
    for runtime, score in expected.scores.items():
        assert seen[runtime]["low"] == pytest.approx(score.low, abs=1e-9)
        assert seen[runtime]["high"] == pytest.approx(score.high, abs=1e-9)
    page.wait_for_url("**handling%3A10**")
    again = show(fragment=page.evaluate("location.hash")).page
    assert shown(again) == seen
    moved(page, "the group handling", "20")
    assert not page.locator(".what-if .banner").is_visible()
    assert downloaded(page, tmp_path / "again.yaml") == CRITERIA.read_text(encoding="utf-8")


def test_a_declared_group_that_is_unfolded_by_keyboard_is_written_as_its_criteria(
    case: Case, show: Open, tmp_path: Path
) -> None:
    page = show().page
    page.get_by_role("radio", name="End user").check()
    opener = page.get_by_role("button", name="Handling")
    slider = points(page, "signal_delivery")
    assert not slider.is_visible()
    opener.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    slider.press("ArrowRight")
    settle(page)
    text = downloaded(page, tmp_path / "criteria.yaml")
    written = load_criteria(tmp_path / "criteria.yaml")
    signed = case.criteria.weights("end-user")
    changed = {**signed, "signal_delivery": written.weights("end-user")["signal_delivery"]}
    assert changed["signal_delivery"] > signed["signal_delivery"]
    assert written.weights("end-user") == pytest.approx(changed)
    assert "handling" not in written.use_cases["end-user"].weights
    told = changed_lines(text)
    assert sorted(line.split(":")[0].strip() for line in told) == [
        "+       output_ownership",
        "+       signal_delivery",
        "-       handling",
    ]
    assert [line.startswith("+") for line in told if "# results are moved" in line].count(True) == 1
    slider.press("ArrowLeft")
    settle(page)
    assert downloaded(page, tmp_path / "again.yaml") == CRITERIA.read_text(encoding="utf-8")


def test_every_group_shows_between_which_points_the_leader_stays_first(
    case: Case, data: dict[str, Any], show: Open
) -> None:
    page = show().page
    held = case.measured[0].decision.use_cases[0].robustness
    assert held
    for place, section in enumerate(data["sections"]):
        told = data["sites"][0]["answers"][0]["sectionStability"][place]
        found = {item.criterion: item for item in held.groups}.get(section["id"])
        assert (told is None) == (found is None or math.isnan(found.low))
        words = page.locator(f"tbody[data-section='{place}'] .whole .stands").first.inner_text()
        assert ("leader is first at" in words) == any(
            site["answers"][0]["sectionStability"][place] for site in data["sites"]
        )


def test_a_banner_stands_while_weights_are_not_the_signed_ones(show: Open) -> None:
    page = show().page
    banner = page.locator(".what-if .banner")
    assert not banner.is_visible()
    points(page, "the group opening").press("End")
    settle(page)
    assert "not the signed ones: L1Proc" in banner.inner_text()
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert not banner.is_visible()


def test_the_link_holds_the_state(show: Open) -> None:
    page = show().page
    page.get_by_role("radio", name="Developer").check()
    page.get_by_role("radio", name="the worst").check()
    page.get_by_label("hold (as signed)").uncheck()
    points(page, "the group opening").press("End")
    page.wait_for_url("**points.developer**")
    expected = shown(page)
    assert "setuid_planting" in page.url
    again = show(fragment=page.evaluate("location.hash")).page
    assert shown(again) == expected
    assert again.get_by_role("radio", name="Developer").is_checked()
    assert not again.locator(".what-if .banner", has_text="other criteria").is_visible()
    again.get_by_role("button", name="Reset").click()
    again.wait_for_url(re.compile("html$"))


@pytest.mark.parametrize(
    "fragment",
    [
        "#what-if:",
        "#what-if:use=__proto__&gaps=constructor&points.l1proc=cpu_rate:-1~cpu_rate:NaN~no:1~__proto__:2",
        "#what-if:points.l1proc=cpu_rate:1e99&use=<script>alert(1)</script>",
        "#what-if:%E0%A4%A",
    ],
)
def test_a_forged_link_changes_nothing(show: Open, fragment: str) -> None:
    expected = shown(show().page)
    opened = show(fragment=fragment)
    assert shown(opened.page) == expected
    assert opened.said == []
    assert "other criteria" in opened.page.locator(".what-if .banner").inner_text()


# -- the file ---------------------------------------------------------------------------------------------


def downloaded(page: Page, path: Path) -> str:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download criteria.yaml").click()
    assert waiting.value.suggested_filename == "criteria.yaml"
    waiting.value.save_as(path)
    return path.read_bytes().decode("utf-8")


def test_untouched_the_download_is_the_file_itself(show: Open, tmp_path: Path) -> None:
    opened = show()
    assert downloaded(opened.page, tmp_path / "criteria.yaml") == CRITERIA.read_text(encoding="utf-8")
    assert opened.said == []


def test_the_download_differs_in_the_moved_weights_alone_and_is_valid(
    case: Case, show: Open, tmp_path: Path
) -> None:
    moved = {"points.l1proc": "time:31~setuid_planting:2.5", "points.developer": "keeping:0"}
    page = show(fragment=link(use="l1proc", **moved)).page
    text = downloaded(page, tmp_path / "criteria.yaml")
    written = load_criteria(tmp_path / "criteria.yaml")
    signed = case.criteria
    own = dict(written.use_cases["l1proc"].weights)
    assert own["time"] == 31
    assert own["setuid_planting"] == 2.5
    assert "opening" not in own  # its criteria stand there, for they no longer have its proportions
    assert math.fsum(own.values()) == pytest.approx(100 - 57 + 31 + 2.5)
    assert written.use_cases["developer"].weights == {
        **signed.use_cases["developer"].weights,
        "keeping": 0,
    }
    assert written.criteria == signed.criteria
    assert written.method == signed.method
    before = CRITERIA.read_text(encoding="utf-8").splitlines()
    changes = [
        line
        for line in difflib.unified_diff(before, text.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    assert len(changes) == 3 * 2 + 3  # two lines replaced, and one by its four criteria
    kept = next(line for line in changes if line.startswith("-") and " time:" in line)
    assert kept.split("#")[1] in "".join(line for line in changes if line.startswith("+"))


def test_weights_that_no_file_may_have_cannot_be_downloaded(show: Open) -> None:
    page = show().page
    for group in page.locator(".whole input[type=range]").all():
        group.press("Home")
    settle(page)
    assert page.get_by_role("button", name="Download criteria.yaml").is_disabled()
    assert "No criterion has any weight" in page.get_by_role("status").inner_text()


# -- strangers --------------------------------------------------------------------------------------------


def test_hostile_text_is_shown_as_text(show_report: Show, tmp_path: Path) -> None:
    text = CRITERIA.read_text(encoding="utf-8")
    hostile = json.dumps(HOSTILE.replace("\u2028", ""))
    text = text.replace("    title: L1Proc", f"    title: {hostile}", 1)
    text = re.sub(r"question: How long does it take to run [^\n]*", lambda _: f"question: {hostile}", text)
    criteria = tmp_path / "criteria.yaml"
    criteria.write_text(text, encoding="utf-8")
    html = build_page(
        executed(decided_case(criteria=criteria, note=HOSTILE, transcript=HOSTILE * 5000, blocks=5))
    )
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    opened = show_report(path)
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    opened.page.get_by_role("button", name="Time lost").click()
    settle(opened.page)
    assert opened.page.title() == "Which container runtime, for which use?"
    assert opened.asked == [path.as_uri()]
    assert opened.said == []
    assert "<script>document.title" in opened.page.get_by_role("status").inner_text()
    assert "<U+202E>gnp.exe" in opened.page.get_by_role("status").inner_text()
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("script:not(#packed)").count() == 2
    assert downloaded(opened.page, tmp_path / "again.yaml") == text


def test_without_a_script_the_tables_stand_and_no_control_is_dead(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    chapter = page.locator("#what-if")
    assert chapter.locator("table.assumptions").count() == 2
    assert chapter.locator("input, button").count() == 0
    assert chapter.locator("tr[data-criterion]").first.is_visible()
    assert page.get_by_text("Every gap is the worst").first.is_visible()
    context.close()
