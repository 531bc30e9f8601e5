"""The cost model: by closed form where every range is a point, and what must hold of any ranges."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.decide.costing import Measured, Reckoned, Span, reckon, steps
from evaluation.decide.costs import Costs, load_costs
from evaluation.errors import FaultyDocumentError

FILE = Path(__file__).parents[2] / "costs.yaml"
COSTS = load_costs(FILE)


def exactly(**values: float) -> Costs:
    """The model with every constant a point."""
    data = COSTS.model_dump(mode="json", exclude={"sites"})
    for name, value in values.items():
        data["constants"][name] |= {"low": value, "high": value}
    data["job_lengths"]["lengths"] = [{"length_s": 100, "share": 0.5}, {"length_s": 300, "share": 0.5}]
    data["overhead_share"]["value"] = 0.02
    return Costs.model_validate_json(json.dumps(data))


POINTS = exactly(
    cpu_price=0.036, cores_per_job=2, storage_price=0.5, transfer_price=0.25, transfer_bandwidth=1e8,
    nodes=10, releases_per_month=2, jobs_per_month=1000, staff_price=20,
)  # fmt: skip


def point(value: float) -> Span:
    return Span(value, value)


def facts(**changes: object) -> Measured:
    known = Measured(
        runtime="r",
        family="docker",
        form="docker-store",
        start=point(0.5),
        slowdown=point(1.1),
        convert=point(4.0),
        engine_cpu=point(0.1),
        stored=point(2e9),
        fetched=point(1e9),
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def near(span: Span, value: float) -> bool:
    return span.low == pytest.approx(value) == span.high


def test_by_hand_where_every_range_is_a_point() -> None:
    row = reckon(facts(), POINTS, "nowhere")
    # 4 s of conversion and 1e9 B / 1e8 B/s = 10 s of transfer, on 10 nodes, twice a month, for 1000 jobs
    assert near(row.shared_s, 14 * 10 * 2 / 1000)
    assert near(row.fixed_s, 0.5 + 0.28 + 0.1)
    assert near(row.break_even_s, 0.88 / 0.02)
    assert near(row.share(100), 0.0088)
    assert near(row.stored_bytes, 2e10)
    assert near(row.storage_eur_month, 10.0)
    # 10 EUR of storage, 1 GB x 10 x 2 x 0.25 EUR = 5 EUR of transfer, for 1000 jobs
    assert near(row.other_eur_job, 0.015)
    # a mean job of 200 s at 1.1 times, and what is fixed, on 2 cores at 1e-5 EUR per second
    assert near(row.job_eur, (220 + 0.88) * 2e-5 + 0.015)
    assert near(row.beside_eur, (20 + 0.88) * 2e-5 + 0.015)
    assert row.missing == ()


def test_one_file_for_the_whole_site_is_made_and_kept_once() -> None:
    row = reckon(facts(form="sif"), POINTS, "nowhere")
    assert near(row.shared_s, 14 * 2 / 1000)
    assert near(row.stored_bytes, 2e9)
    assert row.engine_s == Span(0, 0), "without a daemon none of its time is reckoned"


seconds = st.floats(min_value=1e-4, max_value=9.9)
spans = st.tuples(seconds, seconds).map(lambda ends: Span(min(ends), max(ends)))
lengths = st.floats(min_value=1, max_value=1e6)


@given(spans, lengths, lengths)
def test_a_longer_job_never_loses_a_greater_share(start: Span, one: float, other: float) -> None:
    row = reckon(facts(start=start), COSTS, "nowhere")
    short, long = sorted((one, other))
    assert row.share(long).low <= row.share(short).low
    assert row.share(long).high <= row.share(short).high


@given(spans, st.sampled_from(["start", "slowdown", "convert", "engine_cpu", "stored"]))
def test_removing_evidence_only_widens(span: Span, name: str) -> None:
    inside = {"slowdown": Span(0.95, 1.2), "stored": Span(span.low * 1e8, span.high * 1e8)}.get(name, span)
    if name == "engine_cpu":
        inside = Span(span.low / 10, span.high / 10)
    known = facts(**{name: inside, "fetched": None if name == "stored" else point(1e9)})
    with_it = reckon(known, COSTS, "nowhere")
    without = reckon(replace(known, **{name: None}), COSTS, "nowhere")  # type: ignore[arg-type]
    for term in ("fixed_s", "break_even_s", "job_eur", "beside_eur", "storage_eur_month", "other_eur_job"):
        narrow, wide = getattr(with_it, term), getattr(without, term)
        assert wide.low <= narrow.low <= narrow.high <= wide.high, term
    assert len(without.missing) == 1


def row(runtime: str, low: float, high: float) -> Reckoned:
    return reckon(
        facts(runtime=runtime, form="sif", start=Span(low, high), convert=point(0), fetched=point(0)),
        POINTS,
        "nowhere",
    )


def test_each_step_prefers_those_whose_start_up_is_surely_small_enough() -> None:
    found = steps([row("slow", 1, 2), row("fast", 0.01, 0.02), row("like-fast", 0.015, 0.4)])
    told = [
        (round(step.from_s, 6), step.to_s and round(step.to_s, 6), step.prefer, step.least) for step in found
    ]
    assert told == [
        (0, 1, ("fast", "like-fast"), True),
        (1, 20, ("fast",), False),
        (20, 100, ("fast", "like-fast"), False),
        (100, None, ("slow", "fast", "like-fast"), False),
    ]
    assert steps([]) == ()


def test_a_site_speaks_for_itself_and_for_a_family() -> None:
    own = {"low": 3, "high": 3, "basis": "declared", "reason": "x", "source": "y"}
    data = COSTS.model_dump(mode="json")
    data["sites"] = {
        "here": {
            "nodes": own | {"unit": "nodes"},
            "staff_hours": {"docker": own | {"unit": "hours per month"}},
        }
    }
    costs = Costs.model_validate_json(json.dumps(data))
    del data["sites"]["here"]["staff_hours"]
    others = Costs.model_validate_json(json.dumps(data))
    assert costs.constant("nodes", "here").high == 3
    assert costs.constant("nodes", "there").high == COSTS.constants.nodes.high
    assert costs.staff_hours("here", "podman") is None
    # 3 hours at 40 to 100 EUR for 10,000 to a million jobs
    with_staff, without = (reckon(facts(), model, "here").other_eur_job for model in (costs, others))
    assert with_staff.low - without.low == pytest.approx(3 * 40 / 1e6)
    assert with_staff.high - without.high == pytest.approx(3 * 100 / 1e4)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "high: 0.05\n    unit: EUR per core and hour",
            "high: 0.005\n    unit: EUR per core and hour",
            "low, 0.01",
        ),
        ("unit: EUR per core and hour", "unit: USD", "EUR per core and hour"),
        ("  nodes:\n    low: 20", "  nodess:\n    low: 20", "nodess"),
        ("low: 10000\n", "low: 0\n", "greater than 0"),
        ("share: 0.3}", "share: 0.4}", "should make 1 in sum, and make 1.1"),
        (
            "basis: example\n    reason: From a paid-off",
            "basis: guessed\n    reason: From a paid-off",
            "basis",
        ),
        ("kept_by: node\n    has_engine: true", "kept_by: cloud\n    has_engine: true", "kept_by"),
        ("  value: 0.01", "  value: 1.0", "less than 1"),
        ("unknown:\n", "sites:\n  lyon: {}\nunknown:\n", "lyon"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "costs.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FaultyDocumentError) as told:
        load_costs(path, sites=("local", "slac"))
    assert said in str(told.value)
    assert f"{path}:" in str(told.value)
