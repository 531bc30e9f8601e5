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

from browser.chromium import HOSTILE, NEEDED, Open, Show
from evaluation.decide.borrowing import with_borrowed
from evaluation.decide.chances import noise
from evaluation.decide.criteria import load_criteria
from evaluation.decide.losses import loss_rows, losses_here
from evaluation.decide.scenarios import leaders
from evaluation.decide.score import decide
from evaluation.decide.value import UNKNOWN as NOT_KNOWN
from evaluation.decide.value import total
from evaluation.decide.whatif import Gaps, Table, imagine, table
from evaluation.model import Finding, Outcome, Score
from evaluation.report import chapters
from evaluation.report.build import BROWSER, script
from evaluation.report.build import page as build_page
from evaluation.report.chapters.what_if import laid_out
from evaluation.report.load import load_case
from evaluation.report.source import Case
from evaluation.sites import Borrow
from evaluation.store import find_runs

pytestmark = NEEDED

LISTEN: Final = """
    new MutationObserver(() => { document.body.dataset.announced = "yes"; }).observe(
        document.querySelector("[aria-live]"), {subtree: true, childList: true, characterData: true})
"""
ROOT: Final = Path(__file__).parents[2]
WEIGHED: Final = ROOT / "criteria.yaml"
NOTHING: Final = "\N{EN DASH}"
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
        numbers = {name: row.get_attribute(f"data-{name}") for name in ("low", "high")}
        found[str(row.get_attribute("data-runtime"))] = {
            "standing": row.locator(".state").inner_text(),
            "chance": row.locator("td.number").last.inner_text(),
            **{name: float(text) if text else None for name, text in numbers.items()},
        }
    return found


def turned(page: Page, site: int = 0) -> dict[str, list[str]]:
    """Who would be first under each change, by its title: as signed, as kept, and now."""
    rows = page.locator(".scroll.changed").nth(site).locator("tr[data-scenario]").all()
    return {
        str(row.get_attribute("data-scenario")): [cell.inner_text() for cell in row.locator("td").all()]
        for row in rows
    }


def settle(page: Page) -> None:
    """Wait until the next frame is over: every change is shown within it."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def points(page: Page, section: str) -> Locator:
    return page.get_by_label(f"Points of {section}", exact=True)


def moved(page: Page, section: str, value: float) -> None:
    """Put a slider somewhere and let it go."""
    points(page, section).fill(str(value))
    settle(page)


def banner(page: Page) -> Locator:
    return page.locator(".what-if .banner")


def laid(case: Case, site: int, use_case: int) -> Table:
    at = case.measured[site]
    spread = noise(at.decision.rows, case.criteria)
    answer = at.decision.use_cases[use_case]
    return table(at.decision, answer, case.criteria, case.sites[at.site], noise=spread, families={})


def weighed(case: Case, use_case: str, sections: dict[str, float]) -> dict[str, float]:
    """The weights of a use case with other points of its sections, in the signed proportions."""
    weights = dict(case.criteria.weights(use_case))
    for section in case.criteria.sections():
        names = [name for name in section.criteria if weights.get(name, 0.0) > 0]
        total = sum(weights[name] for name in names)
        if section.name not in sections or not total:
            continue
        whole = section.objective is not None and section.name in case.criteria.use_cases[use_case].weights
        for name in names:
            share = weights[name] * sections[section.name] / total
            weights[name] = share if whole else round(share, 4)
    return weights


def named(leading: tuple[str, ...], *, is_open: bool) -> str:
    if len(leading) < 2:
        return "".join(leading)
    return f"{', '.join(leading[:-1])} {'or' if is_open else 'and'} {leading[-1]}"


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
            assert {*seen} == {verdict.runtime for verdict in measured}
            for verdict in measured:
                assert seen[verdict.runtime]["standing"] == verdict.standing
                assert (seen[verdict.runtime]["chance"] == NOTHING) == (verdict.p_first is None)


@pytest.mark.parametrize("example", range(6))
def test_scores_and_scenarios_are_those_of_python(
    case: Case, data: dict[str, Any], show: Open, example: int
) -> None:
    rng = random.Random(example)  # noqa: S311 - examples, no secrets
    gaps, knock_outs = (Gaps.DECLARED if example < 3 else rng.choice([*Gaps])), rng.random() < 0.5
    place = rng.randrange(len(data["useCases"]))
    use_case = data["useCases"][place]["id"]
    sections = {row["id"]: rng.choice([0, 1, 3.25, 12, 40]) for row in data["sections"]}
    said = link(
        use=use_case,
        gaps=gaps,
        **{
            "knock-outs": "on" if knock_outs else "off",
            f"points.{use_case}": "~".join(f"{name}:{weight}" for name, weight in sections.items()),
        },
    )
    page = show(fragment=said).page
    weights = weighed(case, use_case, sections)
    for site in range(2):
        on = laid(case, site, place)
        expected = imagine(on, weights, case.criteria.method, gaps=gaps, knock_outs=knock_outs)
        seen = shown(page, site)
        first = leaders(expected.scores, case.criteria.method.score_tie_margin.value)
        for runtime, score in expected.scores.items():
            assert seen[runtime]["low"] == pytest.approx(score.low, abs=1e-9)
            assert seen[runtime]["high"] == pytest.approx(score.high, abs=1e-9)
            assert seen[runtime]["chance"] == NOTHING
            assert (seen[runtime]["standing"] == "behind") == (runtime not in first)
        if gaps is not Gaps.DECLARED:
            continue
        told = turned(page, site)
        titles = {
            "As signed": "With these weights",
            "All objectives alike": "All alike",
            "What is not measured at its worst": "Missing evidence is the worst",
            "What is not measured at its best": "Missing evidence is the best",
        }
        for scenario in expected.scenarios:
            now = told[titles.get(scenario.title, scenario.title)][-1]
            assert now == named(scenario.leaders, is_open=scenario.open), scenario.title


def test_the_time_lost_moves_with_the_length_of_a_unit_as_in_python(
    show_report: Show, tmp_path: Path
) -> None:
    rules = load_criteria(WEIGHED)
    profile = rules.use_cases["l1proc"].work
    assert profile is not None
    (run,) = [
        run for run in find_runs(ROOT / "results") if run.manifest.label and run.manifest.profile == "quick"
    ]
    case = load_case(results=ROOT / "results", criteria=WEIGHED, sites=ROOT / "sites", runs=run.path.name)
    html = f"<!doctype html>{chapters.what_if(case).html}<script>{script()}</script>"
    path = tmp_path / "report.html"
    path.write_text(html, encoding="utf-8")
    (site,) = case.measured
    answer = site.decision.use_cases[0]
    on = laid_out(case)[site.folder, "l1proc"]
    behind = [
        row.finding for row in site.decision.rows if row.finding
    ]  # of modes, what they take from their base
    known = {(each.probe, each.runtime): each for each in (*site.findings, *behind)}
    findings = tuple(known.values())
    out = case.criteria.inapplicable(case.sites[site.site].batch.engine)
    weights = {name: w for name, w in case.criteria.weights("l1proc").items() if name not in out}
    for seconds in (profile.length.low * 1.01, 1234.0, profile.length.high * 0.99):
        page = show_report(path, fragment=link(use="l1proc", **{"length.l1proc": str(seconds)})).page
        seen = shown(page)
        other = profile.model_copy(update={"length": profile.length.model_copy(update={"middle": seconds})})
        cases = {**rules.use_cases, "l1proc": rules.use_cases["l1proc"].model_copy(update={"work": other})}
        longer = rules.model_copy(update={"use_cases": cases})
        losses = losses_here(findings, longer, case.sites[site.site])
        assert longer.loss is not None
        lost = {row.runtime: row.score for row in loss_rows({"l1proc": losses["l1proc"]}, findings, longer)}
        for verdict in answer.verdicts:
            if verdict.runtime not in on.runtimes or verdict.runtime in on.knocked_out:
                continue
            scores = {name: on.scores.get((name, verdict.runtime), NOT_KNOWN) for name in weights}
            scores[longer.loss[0]] = lost[verdict.runtime]
            expected, _ = total(weights, scores)
            assert seen[verdict.runtime]["low"] == pytest.approx(expected.low, abs=1e-9)
            assert seen[verdict.runtime]["high"] == pytest.approx(expected.high, abs=1e-9)


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


def test_it_holds_no_random_number_and_no_chance_of_what_was_not_signed(
    data: dict[str, Any], show: Open
) -> None:
    assert "random" not in (BROWSER / "what_if.js").read_text().replace("random number", "")
    assert {"noise", "turns"} & {key for site in data["sites"] for key in site} == set()
    page = show().page
    assert any(row["chance"] != NOTHING for row in shown(page).values())
    moved(page, "opening", 30)
    assert all(row["chance"] == NOTHING for row in shown(page).values())


# -- the desk ---------------------------------------------------------------------------------------------


def test_at_most_six_sliders_stand_there_in_every_use_case(case: Case, show: Open) -> None:
    page = show().page
    for use_case in case.criteria.use_cases.values():
        page.get_by_role("radio", name=use_case.title).check()
        settle(page)
        assert 1 < page.locator(".what-if input[type=range]:visible").count() <= 6


def test_a_slider_moved_by_keyboard_changes_the_verdict_and_announces_it(show: Open) -> None:
    page = show(fragment=link(gaps="middle", **{"knock-outs": "off"})).page
    status = page.get_by_role("status")
    before = status.inner_text()
    assert status.get_attribute("aria-live") == "polite"
    page.evaluate(LISTEN)
    for name, key in (("time", "End"), ("keeping", "Home"), ("opening", "Home")):
        points(page, name).focus()
        page.keyboard.press(key)
    settle(page)
    assert status.inner_text() != before
    assert page.evaluate("document.body.dataset.announced") == "yes"
    assert points(page, "opening").get_attribute("aria-valuetext") == "0 points, 0 % of the weight"


def test_a_group_unfolds_into_its_criteria(show: Open) -> None:
    page = show().page
    opener = page.get_by_role("button", name="Time lost")
    row = page.locator("tr[data-criterion]", has_text="metadata")
    assert opener.get_attribute("aria-expanded") == "false"
    assert not row.first.is_visible()
    opener.press("Enter")
    assert opener.get_attribute("aria-expanded") == "true"
    assert row.first.is_visible()


def test_two_proposals_are_compared_with_what_was_signed(show: Open) -> None:
    page = show().page
    heads = page.locator(".scroll.changed").first.locator("thead th")
    assert heads.all_inner_texts() == ["If", "Signed", "Now"]
    moved(page, "opening", 50)
    as_a = {name: cells[-1] for name, cells in turned(page).items()}
    page.get_by_role("button", name="Keep as A").click()
    moved(page, "opening", 0)
    assert heads.all_inner_texts() == ["If", "Signed", "A", "B, now"]
    told = turned(page)
    assert {name: cells[1] for name, cells in told.items()} == as_a
    row = page.locator(".scroll.changed").first.locator("tr", has_text="What it opens to others points")
    signed, kept, now = row.locator("td").all_inner_texts()
    assert (kept, now) == ("50", "0")
    assert signed not in {kept, now}


def test_back_and_undo_take_changes_back_one_by_one(show: Open) -> None:
    page = show().page
    undo = page.get_by_role("button", name="Undo")
    assert undo.is_disabled()
    seen = [shown(page)]
    for name, value in (("opening", 50), ("keeping", 3)):
        moved(page, name, value)
        seen.append(shown(page))
    page.get_by_role("radio", name="Developer").check()
    settle(page)
    for expected in reversed(seen):
        if expected is seen[1]:
            page.go_back()
        else:
            undo.click()
        page.wait_for_timeout(200)
        assert shown(page) == expected
    assert undo.is_disabled()
    assert not page.url.partition("#")[2]
    page.go_forward()
    page.wait_for_timeout(200)
    assert shown(page) == seen[1]


def test_a_link_followed_within_the_report_takes_nothing_back(show: Open) -> None:
    page = show().page
    moved(page, "opening", 50)
    seen = shown(page)
    page.evaluate("location.hash = 'what-if-points'")
    page.wait_for_timeout(200)
    assert shown(page) == seen
    moved(page, "opening", 10)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(200)
    assert shown(page) == seen


def test_every_group_shows_between_which_points_the_leader_stays_first(
    case: Case, data: dict[str, Any], show: Open
) -> None:
    page = show().page
    held = case.measured[0].decision.use_cases[0].robustness
    assert held
    for place, section in enumerate(data["sections"]):
        told = data["sites"][0]["answers"][0]["stability"][place]
        found = {item.criterion: item for item in held.groups}.get(section["id"])
        assert (told is None) == (found is None or math.isnan(found.low))
        words = page.locator(f"tbody[data-section='{place}'] .whole .stands").first.inner_text()
        assert ("leader is first at" in words) == any(
            site["answers"][0]["stability"][place] for site in data["sites"]
        )


def test_a_banner_stands_while_weights_are_not_the_signed_ones(show: Open) -> None:
    page = show().page
    assert not banner(page).is_visible()
    moved(page, "opening", 50)
    assert "not the signed ones: L1Proc" in banner(page).inner_text()
    assert "add up to" in banner(page).inner_text()
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert not banner(page).is_visible()


def test_a_shared_link_opens_there_with_a_banner_on_top(show: Open) -> None:
    page = show().page
    page.get_by_role("radio", name="Developer").check()
    page.get_by_role("radio", name="the worst").check()
    page.get_by_label("hold (as signed)").uncheck()
    moved(page, "opening", 50)
    page.wait_for_url("**points.developer**")
    expected = shown(page)
    again = show(fragment=page.evaluate("location.hash")).page
    assert shown(again) == expected
    assert again.get_by_role("radio", name="Developer").is_checked()
    assert "This is what a shared link proposes." in banner(again).inner_text()
    assert "other criteria" not in banner(again).inner_text()
    place = banner(again).bounding_box()
    assert place is not None
    assert 0 <= place["y"] < 800
    again.get_by_role("button", name="Reset").click()
    again.wait_for_url(re.compile("html$"))


@pytest.mark.parametrize(
    "fragment",
    [
        "#what-if:",
        "#what-if:use=__proto__&gaps=constructor&points.l1proc=opening:-1~opening:NaN~no:1~__proto__:2",
        "#what-if:points.l1proc=opening:1e99&use=<script>alert(1)</script>",
        "#what-if:%E0%A4%A",
    ],
)
def test_a_forged_link_changes_nothing(show: Open, fragment: str) -> None:
    expected = shown(show().page)
    opened = show(fragment=fragment)
    assert shown(opened.page) == expected
    assert opened.said == []
    assert "other criteria" in banner(opened.page).inner_text()


# -- the file ---------------------------------------------------------------------------------------------


def downloaded(page: Page, path: Path, why: str = "") -> str:
    page.get_by_label("Why?").fill(why)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download criteria.yaml").click()
    assert waiting.value.suggested_filename == "criteria.yaml"
    waiting.value.save_as(path)
    return path.read_bytes().decode("utf-8")


def changed_lines(text: str) -> list[str]:
    lines = difflib.ndiff(CRITERIA.read_text(encoding="utf-8").splitlines(), text.splitlines())
    return [line for line in lines if line.startswith(("+ ", "- "))]


def test_untouched_the_download_is_the_file_itself(show: Open, tmp_path: Path) -> None:
    opened = show()
    assert downloaded(opened.page, tmp_path / "criteria.yaml") == CRITERIA.read_text(encoding="utf-8")
    assert opened.said == []


def test_the_download_asks_why_and_writes_it_beside_the_moved_weights_alone(
    case: Case, show: Open, tmp_path: Path
) -> None:
    page = show().page
    page.get_by_role("radio", name="End user").check()
    settle(page)
    moved(page, "handling", 10)  # no third of it is a decimal number
    moved(page, "opening", 20)
    assert page.get_by_role("button", name="Download criteria.yaml").is_disabled()
    text = downloaded(page, tmp_path / "criteria.yaml", "our\tusers # read many files")
    removed = [line for line in changed_lines(text) if line.startswith("- ")]
    added = [line for line in changed_lines(text) if line.startswith("+ ")]
    assert len(removed) == len(added) == 2
    assert "+       handling: 10  # our users # read many files" in added
    assert all(line.endswith("  # our users # read many files") for line in added)
    written = load_criteria(tmp_path / "criteria.yaml")
    weights = weighed(case, "end-user", {"handling": 10, "opening": 20})
    assert written.weights("end-user") == pytest.approx(weights, abs=1e-12)
    assert written.weights("l1proc") == case.criteria.weights("l1proc")
    expected = imagine(laid(case, 0, 1), written.weights("end-user"), case.criteria.method)
    for runtime, score in expected.scores.items():
        assert shown(page)[runtime]["low"] == pytest.approx(score.low, abs=1e-9)
        assert shown(page)[runtime]["high"] == pytest.approx(score.high, abs=1e-9)
    moved(page, "handling", 12)
    page.get_by_role("button", name="Reset").click()
    settle(page)
    assert downloaded(page, tmp_path / "again.yaml") == CRITERIA.read_text(encoding="utf-8")


def test_weights_that_no_file_may_have_cannot_be_downloaded(show: Open) -> None:
    page = show().page
    for slider in page.locator(".what-if input[type=range]:visible").all():
        slider.press("Home")
    settle(page)
    page.get_by_label("Why?").fill("why not")
    assert page.get_by_role("button", name="Download criteria.yaml").is_disabled()
    assert "Nothing has any weight" in page.get_by_role("status").inner_text()


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
