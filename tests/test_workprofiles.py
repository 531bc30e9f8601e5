"""Work profiles: what may be written, and what is told of what may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evaluation.decide.criteria import load_criteria
from evaluation.errors import FaultyDocumentError
from evaluation.sites import load_site
from evaluation.workprofiles import COUNTS, replaced

ROOT = Path(__file__).parents[1]
SHIPPED = (ROOT / "criteria.yaml").read_text(encoding="utf-8")
PROBES = {"cold_start": "s", "image_size": "bytes"}


def faults(tmp_path: Path, text: str, probes: dict[str, str] | None = None) -> list[str]:
    path = tmp_path / "criteria.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FaultyDocumentError) as told:
        load_criteria(path, probes=probes)
    return [f"{fault.line}: {fault.message}" for fault in told.value.faults]


def test_every_shipped_profile_counts_or_says_why_not() -> None:
    for use_case in load_criteria(ROOT / "criteria.yaml").use_cases.values():
        work = use_case.work
        assert work
        assert {*work.counts} | {*work.not_counted} == {*COUNTS}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("low: 300\n", "low: 3000\n", "low, middle and high are in order"),
        ("low: 300\n", "low: 0\n", "greater than 0"),
        ("share: 0.2\n", "share: 0.3\n", "should have shares that add up to 1, and they add up to 1.1"),
        ("        units_at_once: >-\n", "        starts: >-\n", "should either count or not count: starts"),
        ("        starts:\n", "        begins:\n", "begins"),
        ("      unit: job\n", "      unit: job\n      price: 3\n", "price"),
        ("      best: 0\n", "      best: 0.01\n", "should be linear, from a worst share"),
    ],
)
def test_a_faulty_profile_is_told_with_its_place(tmp_path: Path, before: str, after: str, told: str) -> None:
    assert before in SHIPPED
    found = faults(tmp_path, SHIPPED.replace(before, after, 1))
    assert any(told in fault for fault in found), found


def test_a_count_is_priced_by_a_probe_that_measures_time(tmp_path: Path) -> None:
    known = dict.fromkeys(re.findall(r"probe: (\w+)", SHIPPED), "")
    found = faults(tmp_path, SHIPPED, {**known, "cold_start": "bytes"})
    assert any("to be a price: cold_start does not" in fault for fault in found)
    found = faults(tmp_path, SHIPPED.replace("probe: open_rate\n", "probe: open_rat\n"), known)
    assert any("unknown probe 'open_rat'" in fault or "open_rat" in fault for fault in found)


def test_time_lost_is_weighed_only_where_a_unit_is_declared(tmp_path: Path) -> None:
    small = (ROOT / "tests" / "decide" / "small-criteria.yaml").read_text(encoding="utf-8")
    lost = (
        "  lost: {question: How much?, group: performance, figure: loss, direction: minimise, unit: '1', "
        "scale: {worst: 0.1, best: 0, spacing: linear, reason: a test}, source: a test}\n"
    )
    text = small.replace("criteria:\n", f"criteria:\n{lost}", 1)
    found = faults(tmp_path, text.replace("rate: 30.5", "lost: 30.5"))
    assert any(
        told.endswith("lost is weighed, and 'work' does not say what a unit of it is") for told in found
    )
    weighed = text.replace(
        "objectives:\n", "objectives:\n  time: {title: Time, reason: a test, shares: {lost: 1}}\n", 1
    )
    found = faults(tmp_path, weighed.replace("rate: 30.5", "time: 30.5"))
    assert any(
        told.endswith("time is weighed, and 'work' does not say what a unit of it is") for told in found
    )
    twice = text.replace("criteria:\n", f"criteria:\n{lost.replace('lost:', 'gone:', 1)}", 1)
    assert any(
        "should be the only criterion of the figure 'loss'" in told for told in faults(tmp_path, twice)
    )


def test_a_site_replaces_what_it_knows_better(tmp_path: Path) -> None:
    amounts = "low: 2, middle: 4, high: 8, reason: a test, source: a test"
    (tmp_path / "here.yaml").write_text(
        "title: Here\nstatus: measured-here\nbatch: {engine: local, reason: a test}\nwork:\n"
        f"  l1proc: {{length: {{{amounts}}}, counts: {{starts: {{{amounts}}}}}}}\n"
    )
    counted = {"l1proc": ("starts", "imports")}
    site = load_site("here", tmp_path, counted=counted)
    work = load_criteria(ROOT / "criteria.yaml").use_cases["l1proc"].work
    assert work
    here = replaced(work, site.work["l1proc"])
    assert (here.length.middle, here.counts["starts"].middle) == (4, 4)
    assert here.counts["starts"].probe == work.counts["starts"].probe
    assert here.counts["imports"] == work.counts["imports"]
    assert replaced(work, None) is work
    with pytest.raises(FaultyDocumentError, match="unknown use case 'l1proc'"):
        load_site("here", tmp_path, counted={"other": ()})
    with pytest.raises(FaultyDocumentError, match="is not counted in a unit of l1proc"):
        load_site("here", tmp_path, counted={"l1proc": ("imports",)})
