"""The simulated farm against cases that can be worked out by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import simpy
from made_up_run import manifest
from made_up_sweep import made_up_sweep, steady

from evaluation.decide.extrapolation import Node, Station, burst_s, calculate, error_of, farm_s
from evaluation.decide.farm import load_scaling
from evaluation.decide.scalability import Law
from evaluation.decide.sweeps import BURST, Sweep, Taken
from evaluation.model import Form

SCALING = load_scaling(Path(__file__).parents[2] / "scaling.yaml")
FARM = SCALING.farm
FLAT = Node(
    runtime="made-up", law=Law(rate=10.0, contention=1.0, coherency=0.0), widest=64, spread=0.0,
    form=Form.DIRECTORY, unpack_s=0.0,
)  # fmt: skip


def ends(arrivals: list[tuple[float, float]]) -> list[float]:
    """When each is served that comes at a time with some work, at one unit of work per second in all."""
    environment = simpy.Environment()
    station = Station(environment, lambda _: 1.0)
    found = [0.0] * len(arrivals)

    def come(number: int, at: float, work: float):  # type: ignore[no-untyped-def] # noqa: ANN202 - a process
        yield environment.timeout(at)
        yield station.serve(work)
        found[number] = float(environment.now)

    for number, (at, work) in enumerate(arrivals):
        environment.process(come(number, at, work))
    environment.run()
    return found


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([(0, 1)], [1]),
        ([(0, 1), (0, 1)], [2, 2]),
        ([(0, 2), (1, 1)], [3, 3]),  # alone for a second, then both at half speed
        ([(0, 1), (0, 3)], [2, 4]),  # the longer one has the station alone at last
        ([(0, 1), (5, 1)], [1, 6]),
    ],
)
def test_all_in_a_station_are_served_at_once(
    arrivals: list[tuple[float, float]], expected: list[float]
) -> None:
    assert ends(arrivals) == pytest.approx(expected)


def test_a_node_starts_at_the_rate_of_its_law_and_no_faster_beyond_what_was_measured() -> None:
    assert burst_s(FLAT, 20, seed=1) == pytest.approx(2.0)
    growing = Node(
        runtime="made-up", law=Law(rate=10.0, contention=0.0, coherency=0.0), widest=2, spread=0.0,
        form=Form.DIRECTORY, unpack_s=0.0,
    )  # fmt: skip
    assert growing.rate(64) == growing.rate(2) == pytest.approx(20.0)


def test_a_farm_takes_what_its_link_and_its_metadata_server_take() -> None:
    each = FARM.image_bytes.value / FARM.node_bytes_per_s.value
    asked = FARM.operations_per_start.directory * round(FARM.starts_per_node.value)
    alone = each + asked / FARM.storage_operations_per_s.value + 3.0
    assert farm_s(FLAT, FARM, 1, 0.0, [3.0], 1) == pytest.approx(alone)
    many = 100
    shared = many * FARM.image_bytes.value / FARM.storage_bytes_per_s.value
    shared += many * asked / FARM.storage_operations_per_s.value + 3.0
    assert farm_s(FLAT, FARM, many, 0.0, [3.0], 1) == pytest.approx(shared)
    assert farm_s(FLAT, FARM, many, 1.0, [3.0], 1) == pytest.approx(3.0)


def test_a_file_asks_less_of_the_metadata_server_and_a_store_nothing_but_to_be_unpacked() -> None:
    def seconds(form: Form, unpack_s: float = 0.0) -> float:
        node = Node(runtime="made-up", law=FLAT.law, widest=64, spread=0.0, form=form, unpack_s=unpack_s)
        return farm_s(node, FARM, 64, 0.0, [3.0], 1)

    assert seconds(Form.DIRECTORY) > seconds(Form.SIF) > seconds(Form.DOCKER_STORE)
    assert seconds(Form.DOCKER_STORE, 7.0) == pytest.approx(seconds(Form.DOCKER_STORE) + 7.0)


def test_the_error_is_that_against_the_measured_burst() -> None:
    measured = Taken(
        probe="sweep_start", runtime="charliecloud", kind=BURST, width=20, repeat=1, launched=20, span_s=4.0,
        waits=(1.0,) * 20, failed=Counter(),
    )  # fmt: skip
    sweep = made_up_sweep((measured,))
    node = Node(
        runtime="charliecloud", law=FLAT.law, widest=64, spread=0.0, form=Form.DIRECTORY, unpack_s=0.0
    )
    assert error_of(sweep, "sweep_start", node) == pytest.approx(-0.5)
    assert error_of(made_up_sweep(()), "sweep_start", node) is None


def swept(**form: object) -> Sweep:
    """A sweep with a law, whose image Charliecloud has in this form."""
    law = Law(rate=100.0, contention=0.1, coherency=0.001)
    levels = [
        steady(runtime, width, float(law.throughput(width)), repeat)
        for runtime in ("host", "charliecloud")
        for width in (1, 2, 4, 8)
        for repeat in (1, 2)
    ]
    sweep = made_up_sweep(levels)
    image = sweep.manifest.image
    assert image
    forms = tuple(each.model_copy(update=form) for each in image.forms)
    image = image.model_copy(update={"forms": forms})
    return replace(sweep, manifest=sweep.manifest.model_copy(update={"image": image}))


def test_every_runtime_with_a_law_is_calculated_and_the_bare_host_is_not() -> None:
    found = list(calculate(swept(), FARM, "sweep_start"))
    assert [each.runtime for each in found] == ["charliecloud"]
    assert [share for share, _ in found[0].curves] == list(FARM.cached)
    for _, curve in found[0].curves:
        seconds = [value for _, value in curve]
        assert seconds == sorted(seconds)
    assert manifest().label  # made up, and labelled so


@pytest.mark.parametrize(
    ("form", "convert_s", "calculated"),
    [
        ("docker-store", 3.0, True),
        ("docker-store", None, False),
        ("directory", None, True),
        ("odd", 3.0, False),
    ],
)
def test_what_nobody_knows_of_a_form_is_not_taken_for_nothing(
    form: str,
    convert_s: float | None,
    calculated: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """Every node unpacks an image into its store: how long that takes must be known."""
    found = list(calculate(swept(form=form, convert_s=convert_s), FARM, "sweep_start"))
    assert bool(found) is calculated
