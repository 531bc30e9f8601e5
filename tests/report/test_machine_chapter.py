"""What the report says of virtual machines: a word for each half of the claim, or why there is none."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from synthetic_case import make_case

from evaluation.model import Comparison, Interval, Outcome, Role
from evaluation.report.chapters import machine
from evaluation.report.source import Case
from evaluation.store import RuntimeFacts


def case_with(
    comparison: Comparison | None, containers: Comparison = Comparison.EQUIVALENT, *, present: bool = True
) -> Case:
    made = make_case()
    site = made.measured[0]
    facts = RuntimeFacts(
        id="vm", family="vm", mode="made up", present=present, role=Role.BESIDE, timed=False,
        reason="" if present else "installed, but somebody may not use /dev/kvm", advice="join the group kvm",
    )  # fmt: skip
    manifest = site.manifest.model_copy(update={"runtimes": (*site.manifest.runtimes, facts)})
    findings = tuple(
        replace(finding, comparison=containers) if finding.probe == "cold_start" else finding
        for finding in site.findings
    )
    model = next(
        finding for finding in findings if finding.probe == "cold_start" and finding.ratio is not None
    )
    assert model.outcome is Outcome.MEASURED
    if comparison:
        slow = Interval(estimate=40.0, low=35.0, high=45.0)
        findings = (*findings, replace(model, runtime="vm", ratio=slow, comparison=comparison))
    return replace(made, measured=(replace(site, manifest=manifest, findings=findings),))


def said(case: Case) -> str:
    return re.sub(r"\s+", " ", BeautifulSoup(machine(case).html, "html.parser").get_text(" "))


@pytest.mark.parametrize(
    ("own", "containers", "words"),
    [
        (Comparison.WORSE, Comparison.EQUIVALENT, "borne out for cold_start"),
        (Comparison.WORSE, Comparison.WORSE, "not decided by this"),
        (Comparison.EQUIVALENT, Comparison.EQUIVALENT, "not borne out"),
        (Comparison.UNRESOLVED, Comparison.EQUIVALENT, "not resolved"),
    ],
)
def test_each_verdict_on_the_claim(own: Comparison, containers: Comparison, words: str) -> None:
    text = said(case_with(own, containers))
    assert f"“light weight”: {words}" in text
    assert "40" in text


def test_where_none_was_measured_the_row_says_why_and_what_would_help() -> None:
    text = said(case_with(None, present=False))
    assert "not measured installed, but somebody may not use /dev/kvm. join the group kvm" in text
    assert "CC-IN2P3" in text
    assert "borne out" not in text


def test_an_older_run_says_that_nobody_looked() -> None:
    assert "before virtual machines were looked for" in said(make_case())
