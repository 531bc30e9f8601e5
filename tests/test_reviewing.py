"""What a reviewer asks of results: weights and what they change, two runs, the answer without a page."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_up_run import manifest, observation

from evaluation import cli, reviewing
from evaluation.decide.criteria import load_criteria
from evaluation.report.plain import _cell
from evaluation.store import Run, RuntimeFacts, Turn

ROOT = Path(__file__).parents[1]
BEFORE, AFTER = "20260101T000000Z-before", "20260201T000000Z-after"


def evaluation(*words: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def made_up_run(results: Path, name: str, version: str, docker_s: float) -> None:
    """A run in which docker's start takes so long, and the bare host's a quarter of a second."""
    facts = manifest(name)
    docker = RuntimeFacts(id="docker", family="docker", mode="a daemon", present=True, version=version)
    run = Run.create(results, facts.model_copy(update={"runtimes": (*facts.runtimes, docker)}))
    for block in range(16):
        wobble = 1 + (block * 7 % 16 - 8) / 1000
        for runtime, seconds in (("host", 0.25), ("host-again", 0.2501), ("docker", docker_s)):
            item = observation(block, runtime, value=seconds * wobble if runtime == "docker" else seconds)
            run.append(Turn(probe="cold_start", runtime=runtime, block=block), [item], [], took_s=0.0)
    run.finish("2026-01-01T01:00:00.000+00:00")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    made_up_run(folder, BEFORE, "20.10", 0.5)
    made_up_run(folder, AFTER, "27.0", 0.4)
    return folder


@pytest.fixture
def criteria(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "criteria.yaml", tmp_path / "criteria.yaml"))


def test_two_runs_are_compared_by_version_change_and_answer(results: Path) -> None:
    told = evaluation("compare", BEFORE, AFTER, "--results", results).output
    assert "docker: 20.10 -> 27.0" in told
    assert "better:\n  cold_start, docker: 0.80" in told
    assert "L1Proc: every standing as before" in told
    back = evaluation("compare", AFTER, BEFORE, "--results", results).output
    assert "worse:\n  cold_start, docker: 1.25" in back
    same = evaluation("compare", BEFORE, BEFORE, "--results", results).output
    assert "as before, within the margin: 1; unresolved, more blocks would tell: 0" in same


def test_a_run_that_is_not_there_is_said(results: Path) -> None:
    told = evaluation("compare", BEFORE, "20300101T000000Z-never", "--results", results)
    assert told.exit_code == 1
    assert f"there are: local/{BEFORE}" in told.output


def test_two_runs_are_compared_where_an_unmeasured_site_borrows(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "sites", project / "sites")
    shutil.copy(ROOT / "criteria.yaml", project)
    (project / "sites" / "borrower.yaml").write_text(BORROWER)
    monkeypatch.setattr(reviewing, "root", lambda: project)
    told = evaluation("compare", BEFORE, AFTER, "--results", results).output
    assert "docker: 20.10 -> 27.0" in told
    assert "L1Proc: every standing as before" in told


BORROWER = """\
title: a borrower
status: declared-only
batch: {engine: unknown}
borrows:
  - from: local
    criteria: [cold_start]
    widen_by: 2
    reason: made up
    source: this test
"""


def test_reading_results_writes_nothing_there(results: Path, criteria: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert evaluation("report", "--results", results, "--run", AFTER, "--output", page).exit_code == 0
    (results / "local" / AFTER / "findings.json").write_text("[]")  # as earlier versions left them
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    for words in (
        ("report", "--run", AFTER, "--output", page),
        ("report", "--run", AFTER, "--format", "json"),
        ("findings",),
        ("compare", BEFORE, AFTER),
        ("weights", "show"),
        ("weights", "diff", criteria),
        ("site", "page", "local", "--output", tmp_path / "site.html"),
    ):
        assert evaluation(*words, "--results", results).exit_code == 0
    assert evaluation("verify", page, "--results", results).exit_code == 0
    assert {path: path.read_bytes() for path in results.rglob("*") if path.is_file()} == before


def test_the_answer_alone_as_markdown_json_and_csv(results: Path, tmp_path: Path) -> None:
    asked = ("report", "--results", results, "--run", AFTER, "--format")
    page = evaluation(*asked, "md").output
    assert "| docker | assess | undecided |" in page
    data = json.loads(evaluation(*asked, "json").output)
    (site,) = data["sites"]
    cases = {case["use_case"]: case for case in site["use_cases"]}
    docker = next(v for v in cases["l1proc"]["verdicts"] if v["runtime"] == "docker")
    table = tmp_path / "answer.csv"
    assert evaluation(*asked, "csv", "--output", table).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    row = next(row for row in rows if (row["use_case"], row["runtime"]) == ("l1proc", "docker"))
    assert float(row["low"]) == docker["score"]["low"]
    assert float(row["high"]) == docker["score"]["high"]
    assert row["score"] == ""
    assert docker["score"]["value"] is None


def test_a_run_is_packed_and_reported_as_before(results: Path) -> None:
    asked = ("report", "--results", results, "--run", AFTER, "--format", "json")
    before = evaluation(*asked).output
    told = evaluation("compress", AFTER, "--results", results)
    assert told.exit_code == 0
    assert told.output.startswith(f"local/{AFTER}: ")
    assert not list((results / "local" / AFTER).glob("*.jsonl"))
    assert evaluation(*asked).output == before
    missing = evaluation("compress", "none-such", "--results", results)
    assert missing.exit_code == 1
    assert f"there are: local/{BEFORE}" in missing.output


def test_weights_are_shown_by_group_with_or_without_results(results: Path, tmp_path: Path) -> None:
    told = evaluation("weights", "show", "l1proc", "--results", results).output
    assert "L1Proc (l1proc): 100 points; stability by local/" in told
    assert "time " in told
    bare = evaluation("weights", "show", "--results", tmp_path / "empty").output
    assert bare.count(": 100 points\n") == 3
    wrong = evaluation("weights", "show", "l1prok", "--results", results)
    assert wrong.exit_code == 1
    assert "did you mean 'l1proc'" in wrong.output


def test_a_weight_is_set_and_what_that_changes_is_said(results: Path, criteria: Path) -> None:
    told = evaluation("weights", "set", "l1proc", "time=30", "--criteria", criteria, "--results", results)
    assert told.exit_code == 0
    assert "time: 57 -> 30" in told.output
    assert "L1Proc: as before: Undecided" in told.output
    assert load_criteria(criteria).use_cases["l1proc"].weights["time"] == 30
    again = evaluation("weights", "set", "l1proc", "time=30", "--criteria", criteria, "--results", results)
    assert again.output == "no difference\n"
    again = evaluation(
        *("weights", "set", "l1proc", "time=30", "--reason", "as before"), "--criteria", criteria
    )
    assert again.output.startswith("no weight changed; the reason was written\n")
    assert "time: 30  # as before" in criteria.read_text()


def test_a_dry_run_says_what_would_change_and_writes_nothing(results: Path, criteria: Path) -> None:
    before = criteria.read_bytes()
    asked = ("weights", "set", "l1proc", "time=30", "--criteria", criteria, "--results", results)
    dry = evaluation(*asked, "--dry-run").output
    assert criteria.read_bytes() == before
    assert f"nothing was written (--dry-run); without it: {criteria}" in dry
    assert "highest score: docker, as before" in dry
    assert "WARNING: the weights of l1proc add up to " in dry
    done = evaluation(*asked).output
    assert done.splitlines()[-1] == f"written: {criteria}"
    assert done.splitlines()[:-1] == dry.splitlines()[:-1]


def test_a_lost_knock_out_and_weights_that_do_not_add_up_are_warned_of(results: Path, criteria: Path) -> None:
    without = re.sub(r"\n    knock_outs:\n(?:      .*\n|\n)+", "\n\n", criteria.read_text(), count=1)
    criteria.write_text(without)
    told = evaluation("weights", "diff", criteria, "--results", results).output
    assert "WARNING: l1proc has lost all its knock-outs: " in told
    well = evaluation("validate", criteria)
    assert well.exit_code == 0
    assert "WARNING: l1proc has lost all its knock-outs: " in well.stderr
    assert f"{criteria}: the criteria are as they should be" in well.stdout
    short = re.sub(r"(\n      time: )\S+", r"\g<1>1", criteria.read_text(), count=1)
    criteria.write_text(short)
    assert "add up to" in evaluation("weights", "diff", criteria, "--results", results).output
    faulty = evaluation("validate", criteria)
    assert faulty.exit_code == 1
    assert "should add up to" in faulty.stderr


def test_a_proposed_file_is_held_against_the_projects(results: Path, criteria: Path) -> None:
    assert evaluation("weights", "diff", criteria, "--results", results).output == "no difference\n"
    text = criteria.read_text()
    criteria.write_text(text.replace("value: 0.9\n", "value: 0.8\n", 1))
    told = evaluation("weights", "diff", criteria, "--results", results).output
    assert "the same weights; scales, knock-outs or constants differ" in told


@pytest.mark.parametrize("word", ["cpu_rate", "cpu_rate=", "cpu_rate=much"])
def test_what_is_no_weight_is_refused(criteria: Path, word: str) -> None:
    told = evaluation("weights", "set", "l1proc", word, "--criteria", criteria)
    assert told.exit_code == 1
    assert "write CRITERION=POINTS" in told.output


def test_a_table_is_handed_no_markup() -> None:
    assert _cell("a|b<script>\u202e\nc") == "a\\|b&lt;script>&lt;U+202E> c"
    assert _cell("[a](b) ![c](d) $x$ `e` *f* _g_ h_i &lt; AT&T") == (
        r"\[a\](b) \!\[c\](d) \$x\$ \`e\` \*f\* \_g\_ h_i &amp;lt; AT&T"
    )
    assert [_cell(text) for text in ("# a", "1. a", "- a", "> a", "1.5 s")] == [
        r"\# a", r"1\. a", r"\- a", r"\> a", "1.5 s"
    ]  # fmt: skip


@pytest.fixture
def page(results: Path) -> Path:
    told = evaluation("report", "--results", results, "--run", AFTER)
    assert told.exit_code == 0, told.output
    return results / "report.html"


def test_a_report_is_verified_and_every_forgery_is_named(results: Path, page: Path) -> None:
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 0, told.output
    assert told.output.startswith(f"verified: local/{AFTER}; every character of the report follows")
    assert "(the project's)\n" in told.output
    assert told.output.endswith(f"not in this report, though in the results: local/{BEFORE}\n")
    text = page.read_text()
    headline = re.search(r'class=(?:winner|"winner[^"]*")>[^<]+<', text)
    assert headline
    for old, new, words in (
        (headline[0], "class=winner>docker<", "The answer, L1Proc, after"),
        ('"docker":"undecided"', '"docker":"recommended"', 'has "recommended", its results give "undecided"'),
    ):
        assert old in text, old
        page.write_text(text.replace(old, new, 1))
        told = evaluation("verify", page, "--results", results)
        assert told.exit_code == 1
        assert words in " ".join(told.output.split())
        assert "Do not rely on it" in told.output


def test_verifying_writes_nothing_into_the_results(results: Path, page: Path) -> None:
    def there() -> dict[Path, tuple[int, bytes]]:
        return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in results.rglob("*") if p.is_file()}

    before = there()
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 0, told.output
    assert there() == before


def test_what_was_measured_since_changes_nothing_of_a_report(results: Path, page: Path) -> None:
    made_up_run(results, "20260301T000000Z-later", "28.0", 0.1)
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 0, told.output
    assert "not in this report, though in the results: local/20260301T000000Z-later" in told.output


def test_a_report_of_another_version_or_of_other_files_says_so(
    results: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = page.read_text()
    other = text.replace('"tool":"', '"tool":"0.0.9 ')
    assert other != text
    page.write_text(other)
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 0, told.output  # what it says is the same
    page.write_text(other.replace("Skip to the report", "Skip the report"))
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 1
    assert "It was made by another version of the tool: 0.0.9" in told.output
    monkeypatch.setattr(reviewing, "project_files", lambda _: {"sites/local.yaml": "0"})
    told = evaluation("verify", page, "--results", results)
    assert re.search("not those it was made from: advisories.yaml, .*sites/local.yaml", told.output)


def test_a_report_without_data_or_without_its_results_is_said(results: Path, page: Path) -> None:
    shutil.rmtree(results / "local" / AFTER)
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 1
    assert f"there is no run local/{AFTER}" in told.output
    page.write_text("<html></html>")
    told = evaluation("verify", page, "--results", results)
    assert told.exit_code == 1
    assert "carries nothing to be written again from" in told.output


def test_a_group_is_shown_set_and_told_with_what_it_unfolds_into(results: Path, criteria: Path) -> None:
    asked = ("--criteria", criteria, "--results", results)
    told = evaluation("weights", "show", "end-user", *asked).output
    assert re.search(r"handling +20 +20\s%", told)
    assert "one weight, in the proportions 2 : 1" in told
    done = evaluation("weights", "set", "end-user", "handling=15", *asked)
    assert done.exit_code == 0, done.output
    assert re.search(r"handling: 20 -> 15.*; unfolds into\n    output_ownership: 13.33 -> 10\n", done.output)
    told = evaluation("weights", "diff", criteria, "--results", results).output
    assert "handling: 20 -> 15" in told
    both = evaluation("weights", "set", "end-user", "signal_delivery=3", *asked)
    assert both.exit_code == 1
    assert "weigh the objective, or its criteria, and not both" in " ".join(both.output.split())
