"""Time lost per unit of work: a worked example by hand, what must hold of any, and a planted truth."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import constants, finding
from made_up_losses import PROFILE, everything, price

from evaluation.decide.criteria import Method, load_criteria
from evaluation.decide.findings import findings_of
from evaluation.decide.losses import UNEXPLAINED, Prices, losses_here, losses_of
from evaluation.errors import EvaluationError
from evaluation.model import Borrowed, Finding, Loss, Outcome
from evaluation.sites import load_site
from evaluation.store import find_runs, measurements
from evaluation.workprofiles import Count, SiteWork, WorkProfile, replaced

ROOT = Path(__file__).parents[2]
METHOD = Method.model_validate(constants(bootstrap_resamples=1000))
WORST = 0.1


def loss(*found: Finding, profile: WorkProfile = PROFILE, runtime: str = "a") -> Loss:
    prices = Prices.of(found, METHOD, {item.probe for item in found})
    (only,) = losses_of("developer", profile, prices, [runtime], worst=WORST).losses
    return only


def by_hand() -> dict[str, tuple[float, float, float, float]]:
    """Read the worked example of docs/work-profiles.md: count, host cost, ratio and loss, by part."""
    rows = re.findall(
        r"^\| (\w+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$",
        (ROOT / "docs" / "work-profiles.md").read_text(),
        re.MULTILINE,
    )
    return {name: tuple(map(float, numbers)) for name, *numbers in rows}  # type: ignore[misc]


def test_the_worked_example_of_the_docs_comes_out() -> None:
    example = by_hand()
    probes: dict[str, str] = {name: count.probe for name, count in PROFILE.counts.items()}
    probes |= {name: part.probe for name, part in PROFILE.computing.items()}
    assert example.keys() == probes.keys()
    found = [
        price(probes[name], 2.5e-9 if name == "arithmetic" else host_s, ratio)
        for name, (_, host_s, ratio, _) in example.items()
    ]
    result = loss(*found)
    assert {part.name: part.count for part in result.parts} == {name: row[0] for name, row in example.items()}
    for part in result.parts:
        assert part.seconds == pytest.approx(example[part.name][3], abs=5e-5)
    text = (ROOT / "docs" / "work-profiles.md").read_text()
    assert f"| together | | | | {result.seconds:.4f} |" in text
    assert f"= {result.unit_s:.2f} s" in text
    assert result.share is not None
    assert f"{result.share:.2%}".replace("%", " %") in text
    length_s, long = result.lengths[2]
    assert f"Of a round of {length_s:.0f} s it would be {long.estimate:.2%}".replace("%", " %") in (
        text.replace("\n", " ")
    )


def test_nothing_is_lost_where_every_ratio_is_one() -> None:
    result = loss(*everything())
    assert result.seconds == pytest.approx(0.0, abs=1e-9)
    assert (result.low, result.high) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert all(part.seconds == pytest.approx(0.0, abs=1e-9) for part in result.parts)


ratios = st.floats(0.5, 50.0)


@given(st.dictionaries(st.sampled_from(PROFILE.probes), ratios))
@settings(max_examples=25, deadline=None)
def test_the_parts_add_up_and_lie_within_the_bounds(changed: dict[str, float]) -> None:
    result = loss(*everything(**changed))
    assert result.seconds == pytest.approx(math.fsum(part.seconds or 0.0 for part in result.parts))
    assert result.low - 1e-6 <= (result.seconds or 0.0) <= result.high + 1e-6
    assert result.varied[0] <= result.varied[1]


@given(st.sampled_from(tuple(PROFILE.counts)), st.floats(0.0, 20.0), ratios)
@settings(max_examples=25, deadline=None)
def test_a_part_is_proportional_to_its_count(name: str, factor: float, ratio: float) -> None:
    probe = PROFILE.counts[name].probe  # type: ignore[index]
    found = everything(**{probe: ratio})
    before = {part.name: part.seconds for part in loss(*found).parts}
    count = PROFILE.counts[name].middle  # type: ignore[index]
    after = {part.name: part.seconds for part in loss(*found, profile=counting({name: count * factor})).parts}
    assert after[name] == pytest.approx((before[name] or 0.0) * factor)
    assert {**after, name: 0.0} == {**before, name: 0.0}


def counting(amounts: Mapping[str, float]) -> WorkProfile:
    """The developer's profile with other amounts, as a site would give them."""
    own = {
        name: {"low": each, "middle": each, "high": each, "reason": "a test", "source": "a test"}
        for name, each in amounts.items()
    }
    return replaced(PROFILE, SiteWork.model_validate({"counts": own}))


def test_a_site_that_starts_twice_as_often_loses_twice_as_much_by_it() -> None:
    found = everything(cold_start=400.0)
    here = loss(*found, profile=counting({"starts": 2 * PROFILE.counts["starts"].middle}))
    assert here.seconds == pytest.approx(2 * (loss(*found).seconds or 0.0))
    longer = SiteWork.model_validate(
        {"length": {"low": 10.0, "middle": 40.0, "high": 50.0, "reason": "a test", "source": "a test"}}
    )
    slow = loss(*everything(cpu_rate=1.1), profile=replaced(PROFILE, longer))
    assert slow.seconds == pytest.approx(4.0)
    assert isinstance(replaced(PROFILE, longer).counts["starts"], Count)


def test_what_was_not_measured_may_be_nothing_or_the_worst() -> None:
    found = [item for item in everything(cold_start=400.0) if item.probe != "import_storm"]
    result = loss(*found)
    assert result.seconds is None
    known = result.known_s
    assert result.low == pytest.approx(known, abs=1e-9)
    assert result.high == pytest.approx(known + WORST * result.unit_s)
    (part,) = [part for part in result.parts if part.seconds is None]
    assert (part.name, part.low, part.missing) == ("imports", 0.0, "not measured")


def test_what_the_runtime_cannot_do_costs_the_worst() -> None:
    found = [item for item in everything() if item.probe != "import_storm"]
    result = loss(*found, finding("a", "import_storm", Outcome.UNSUPPORTED, "no Python can run"))
    assert result.seconds == pytest.approx(WORST * result.unit_s)
    assert result.low == pytest.approx(result.high)


def test_too_few_blocks_price_nothing() -> None:
    found = [item for item in everything() if item.probe != "cold_start"]
    result = loss(*found, price("cold_start", 7e-4, 400.0, blocks=2))
    assert result.seconds is None
    assert result.parts[0].missing == "as seen"


def test_what_is_borrowed_is_an_interval_and_no_point() -> None:
    borrowed = Borrowed(site="there", run="once", widen_by=2.0, reason="a test", source="a test")
    lent = replace(price("cold_start", 7e-4, 400.0, noise=0.1), borrowed=borrowed)
    result = loss(*(item for item in everything() if item.probe != "cold_start"), lent)
    assert result.seconds is None
    assert 0 < result.low < 2 * 7e-4 * 399 < result.high < 1.0


def test_a_probe_that_measures_no_time_prices_nothing() -> None:
    found = [item for item in everything() if item.probe != "cold_start"]
    sized = price("cold_start", 1.0, 2.0)
    with pytest.raises(EvaluationError, match="cannot price"):
        loss(*found, replace(sized, texts=replace(sized.texts, unit="bytes")))


def test_a_bad_minute_of_the_machine_cancels() -> None:
    """Half of the blocks are three times as slow for everybody: the ratios know nothing of it."""
    common = np.log(np.array([1.0, 3.0] * 6))
    steady, shaken = (
        loss(*(price(item.probe, 1e-3, 1.5, common=each) for item in everything())) for each in (None, common)
    )
    assert shaken.parts[-1].seconds == pytest.approx(steady.parts[-1].seconds)
    assert (shaken.parts[-1].low, shaken.parts[-1].high) == pytest.approx(
        (steady.parts[-1].low, steady.parts[-1].high)
    )


def test_a_planted_loss_is_within_its_interval_as_often_as_is_said() -> None:
    """Simulated runs of 12 blocks: common noise of the machine, and each probe's own."""
    truth = loss(*everything(cold_start=300.0, import_storm=1.4, metadata_rate=2.0, cpu_rate=1.002)).known_s
    luck, covered, runs = np.random.default_rng(7), 0, 300
    for run in range(runs):
        common = 0.05 * luck.standard_normal(12)
        found = [
            price(item.probe, host, ratio, noise=noise, common=common, seed=1000 * run + place)
            for place, (item, host, ratio, noise) in enumerate(
                zip(
                    everything(),
                    (7e-4, 0.1, 1e-5, 2e-6, 2e-7, 2.5e-9),
                    (300.0, 1.4, 2.0, 1.0, 1.0, 1.002),
                    (0.08, 0.05, 0.05, 0.02, 0.01, 0.002),
                    strict=True,
                )
            )
        ]
        result = loss(*found)
        covered += result.low <= truth <= result.high
    assert 0.92 <= covered / runs <= 0.99


def whole(ratio: float, noise: float = 0.01) -> Finding:
    """A unit at a reduced size, done as a whole: one start and one program's imports."""
    done = price("whole", 0.1007, ratio, noise=noise)
    return replace(done, work=(("cold_start", 1.0), ("import_storm", 1.0)))


def test_a_unit_done_as_a_whole_agrees_with_its_parts() -> None:
    profile = PROFILE.model_copy(update={"measured_by": "whole"})
    found = everything(cold_start=400.0, import_storm=1.5)
    predicted = 7e-4 * 399 + 0.1 * 0.5
    result = loss(*found, whole(1 + predicted / 0.1007), profile=profile)
    assert result.check is not None
    assert result.check.agrees
    assert result.check.predicted.estimate == pytest.approx(predicted)
    assert result.check.measured.estimate == pytest.approx(predicted, rel=0.05)
    assert result.seconds == pytest.approx(loss(*found).seconds)


def test_where_the_parts_are_not_the_whole_what_was_measured_counts() -> None:
    profile = PROFILE.model_copy(update={"measured_by": "whole"})
    found = everything(cold_start=400.0, import_storm=1.5)
    alone = loss(*found)
    result = loss(*found, whole(10.0), profile=profile)
    assert result.check is not None
    assert not result.check.agrees
    (beyond,) = [part for part in result.parts if part.name == UNEXPLAINED]
    small = 7e-4 + 0.1
    large = alone.unit_s - PROFILE.length.middle
    difference = result.check.measured.estimate - result.check.predicted.estimate
    assert beyond.seconds == pytest.approx(difference * large / small)
    assert result.seconds == pytest.approx((alone.seconds or 0.0) + (beyond.seconds or 0.0))
    assert result.low < (result.seconds or 0.0) < result.high


def test_who_lacks_blocks_still_draws_the_others() -> None:
    found = everything(cold_start=400.0)
    fewer = [price("cold_start", 7e-4, 400.0, blocks=8), *found[1:]]
    assert loss(*fewer).seconds == pytest.approx(loss(*found).seconds)
    assert loss(*fewer).blocks == 8


def test_on_the_run_that_comes_with_the_project_the_parts_make_the_whole() -> None:
    """At least nine of ten units that were done as a whole agree with the sum of their parts."""
    rules, folder = load_criteria(ROOT / "criteria.yaml"), ROOT / "results"
    checks = [
        each.check.agrees
        for run in measurements(find_runs(folder))
        if any(item.probe.startswith("unit_of_work") for item in run.observations())
        for found in losses_here(
            tuple(
                finding
                for finding in findings_of(run, rules)
                if finding.runtime not in {facts.id for facts in run.manifest.runtimes if not facts.timed}
            ),
            rules,
            load_site(run.manifest.site, ROOT / "sites"),
        ).values()
        for each in found.losses
        if each.check
    ]
    if not checks:
        pytest.skip("no run that comes with the project has done a unit of work as a whole")
    assert sum(checks) >= 0.9 * len(checks)
