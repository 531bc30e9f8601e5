"""The reviewer: weights are changed and undone, mistakes are named, a page is held against its results."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from journeys.walking import Clone, named_user

pytestmark = pytest.mark.real

MEASURE = (
    "--site",
    "local",
    "--profile",
    "trial",
    "--runtime",
    "none",
    "--results",
    "mine",
    "--image",
    "xs",
)
REFERENCE = ("--run", "reference")
MISTAKES = (
    (
        "criteria.yaml",
        "      contract: 15 ",
        "      contrakt: 15 ",
        r"criteria\.yaml:\d+:\d+: .*contrakt",
    ),
    (
        "sites/local.yaml",
        "status: measured-here",
        "status: mesured-here",
        r"local\.yaml:\d+:\d+: .*mesured-here",
    ),
    ("images/xs/image.yaml", "variant: extract", "varient: extract", r"xs/image\.yaml:\d+:\d+: .*varient"),
    ("scaling.yaml", None, "\nsurprise: 1\n", r"scaling\.yaml:\d+:\d+: .*surprise"),
    ("costs.yaml", None, "\nsurprise: 1\n", r"costs\.yaml:\d+:\d+: .*surprise"),
    ("advisories.yaml", None, "\nsurprise: 1\n", r"advisories\.yaml:\d+:\d+: .*surprise"),
    ("inventory.yaml", None, "\nsurprise: 1\n", r"inventory\.yaml:\d+:\d+: .*surprise"),
    ("workloads/monte_carlo.yaml", "rate:", "rat:", r"monte_carlo\.yaml:\d+:\d+: .*rat"),
)
"""File, what stands there (nothing: at its end), what is planted, and what must be said of it."""


def test_a_weight_is_shown_set_and_undone(clone: Clone) -> None:
    before = clone.read("criteria.yaml")
    words = ("--results", "results", "--criteria", "criteria.yaml")
    shown = clone.run("evaluation", "weights", "show", "l1proc", *words).out
    assert re.search(r"contract +15 +15\s%", shown)
    before = clone.read("criteria.yaml")
    tried = clone.run("evaluation", "weights", "set", "l1proc", "contract=12", "--dry-run", *words).out
    assert "contract" in tried
    assert clone.read("criteria.yaml") == before
    told = clone.run("evaluation", "weights", "set", "l1proc", "contract=12", *words).out
    assert "contract: 15 -> 12" in told
    after = clone.read("criteria.yaml").splitlines()
    changed = [line for line in after if line not in before.splitlines()]
    assert len(changed) == 1
    assert re.fullmatch(r" +contract: 12 +# .+", changed[0]), "its comment is kept"
    clone.run("evaluation", "weights", "set", "l1proc", "contract=-1", *words, ends=1)
    clone.run("evaluation", "weights", "set", "l1proc", "contrac=1", *words, ends=1)
    assert clone.read("criteria.yaml").splitlines() == after, "what is wrong is not written"
    (clone.folder / "criteria.yaml").rename(clone.folder / "proposed.yaml")
    clone.write("criteria.yaml", before)
    same = clone.run("evaluation", "weights", "diff", "proposed.yaml", *words).out
    assert "contract: 15 -> 12" in same
    answers = [line for line in told.splitlines() if line.startswith("reference/")]
    assert len(answers) == 3
    assert set(answers) <= set(same.splitlines()), "set and diff say the same of the answer"


def test_planted_mistakes_are_all_named_at_once_with_their_lines(clone: Clone) -> None:
    assert clone.run("evaluation", "validate").status == 0
    clone.write("sites/none.yaml", "title: None\n")
    for path, old, new, _ in MISTAKES:
        if old is None:
            clone.write(path, clone.read(path) + new)
        else:
            text = clone.read(path)
            assert old in text
            clone.write(path, text.replace(old, new, 1))
    told = clone.run("evaluation", "validate", ends=1)
    for path, *_, said in MISTAKES:
        assert re.search(said, told.all), f"{path}: {said}\n{told.all}"
    assert "none.yaml" in told.all
    (clone.folder / "sites/none.yaml").unlink()
    clone.run("git", "checkout", "--quiet", ".")
    clone.edit("criteria.yaml", "      contract: 15 ", "      contract: 16 ")
    told = clone.run("evaluation", "validate", ends=1)
    assert re.search(r"criteria\.yaml:\d+:\d+: .*101", told.all), told.all
    clone.run("git", "checkout", "--quiet", ".")
    assert clone.run("evaluation", "validate").status == 0


def test_the_answer_is_given_in_every_form(clone: Clone) -> None:
    (site,) = clone.answers(*REFERENCE)
    written = clone.run("evaluation", "report", "--format", "md", *REFERENCE, "--output", "answer.md")
    assert written.status == 0
    page = clone.read("answer.md")
    rows = list(
        csv.DictReader(io.StringIO(clone.run("evaluation", "report", "--format", "csv", *REFERENCE).out))
    )
    for case in site["use_cases"]:
        assert case["sentence"] in page
        here = [row for row in rows if case["use_case"] in row.values()]
        assert len(here) >= len(case["verdicts"])


def test_findings_are_given_for_other_tools(clone: Clone) -> None:
    told = clone.run("evaluation", "findings", "P15", "cold_start", *REFERENCE).out
    rows = list(csv.DictReader(io.StringIO(told)))
    assert {row["probe"] for row in rows} == {"setuid_planting", "cold_start"}
    options = ("--results", "results", "--criteria", "criteria.yaml", *REFERENCE)
    listed = json.loads(clone.run("evaluation", "findings", "P15", "--format", "json", *options).out)
    assert len(listed) == sum(row["probe"] == "setuid_planting" for row in rows)
    sarif = json.loads(clone.run("evaluation", "findings", "--format", "sarif", *options).out)
    assert sarif["version"] == "2.1.0"


def test_a_page_is_held_against_its_results_and_a_changed_one_is_refused(clone: Clone) -> None:
    options = ("--results", "results", "--criteria", "criteria.yaml", *REFERENCE)
    clone.run("evaluation", "report", *options, "--output", "page.html")
    assert "verified" in clone.run("evaluation", "verify", "page.html", "--results", "results").out
    page = clone.read("page.html")
    (site,) = clone.answers(*REFERENCE)
    sentence = site["use_cases"][0]["sentence"]
    named = next(each["runtime"] for each in site["use_cases"][0]["verdicts"] if each["runtime"] in sentence)
    visible = re.search(rf">[^<>{{}}]*\b{named}\b[^<>{{}}]*<", page)
    assert visible
    other = "docker" if named != "docker" else "podman"
    changed = page.replace(visible[0], re.sub(rf"\b{named}\b", other, visible[0], count=1), 1)
    assert changed != page
    clone.write("changed.html", changed)
    refused = clone.run("evaluation", "verify", "changed.html", "--results", "results", ends=1)
    assert refused.all.strip()


def test_two_runs_are_compared(clone: Clone) -> None:
    clone.run("evaluation", "run", *MEASURE, *named_user())
    first = clone.runs(results="mine")[0]
    kept = clone.run("evaluation", "run", *MEASURE, *named_user(), "--if-needed").all
    assert "measured already" in kept
    clone.run("evaluation", "run", *MEASURE, *named_user(), "--fresh")
    second = next(name for name in reversed(clone.runs(results="mine")) if not name.endswith("-sweep"))
    assert second > first
    told = clone.run(
        "evaluation", "compare", first, second, "--results", "mine", "--criteria", "criteria.yaml"
    ).out
    assert f"before  local/{first}" in told
    assert f"after   local/{second}" in told
    assert "every standing as before" in told, "nothing but the bare host was measured"
    none = clone.run("evaluation", "compare", first, "nonsense", "--results", "mine", ends=1)
    assert "there is no run" in none.err
