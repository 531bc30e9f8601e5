"""What `evaluation validate` asks of criteria.yaml for its reviewers, and what stops no decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.decide.criteria import load_criteria
from evaluation.decide.owed import owed
from evaluation.errors import FaultyDocumentError
from evaluation.probes.registry import discover

SHIPPED = Path(__file__).parents[2] / "criteria.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")
UNITS = {probe.id: probe.unit for probe in discover().values()}


def told(folder: Path, old: str, new: str) -> list[str]:
    assert old in TEXT
    path = folder / "criteria.yaml"
    path.write_text(TEXT.replace(old, new, 1))
    try:
        load_criteria(path, probes=UNITS, also=owed)
    except FaultyDocumentError as error:
        return [f"{fault.line}: {fault.message}" for fault in error.faults]
    return []


def line_of(text: str) -> int:
    return TEXT[: TEXT.index(text)].count("\n") + 1


def test_ours_owes_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, "method:", "method:") == []


def test_weights_that_do_not_add_up_are_told_and_stop_no_decision(tmp_path: Path) -> None:
    (message,) = told(tmp_path, "      time: 57 ", "      time: 62 ")
    line = line_of("    weights:\n      time: 57 ")
    assert message == f"{line}: should add up to 100, as 'points' says, and adds up to 105"
    assert load_criteria(tmp_path / "criteria.yaml", probes=UNITS).use_cases["l1proc"].weights["time"] == 62


def test_without_a_number_of_points_any_sum_will_do(tmp_path: Path) -> None:
    start, end = TEXT.index("points:\n"), TEXT.index("use_cases:\n")
    path = tmp_path / "criteria.yaml"
    path.write_text((TEXT[:start] + TEXT[end:]).replace("      time: 57 ", "      time: 62 ", 1))
    load_criteria(path, also=owed)


def test_a_weight_without_its_reason_is_told(tmp_path: Path) -> None:
    start = TEXT.index("      time: 57 ")
    row = TEXT[start : TEXT.index("\n", start) + 1]
    (message,) = told(tmp_path, row, "      time: 57\n")
    assert message == f"{line_of(row)}: should have its reason beside it, behind a #"


def test_a_criterion_that_nobody_weighs_says_so(tmp_path: Path) -> None:
    start = TEXT.rindex("no weight", 0, TEXT.index("\nobjectives:"))
    path = tmp_path / "criteria.yaml"
    path.write_text(f"{TEXT[:start]}less of it{TEXT[start + len('no weight') :]}")
    with pytest.raises(FaultyDocumentError) as error:
        load_criteria(path, also=owed)
    (fault,) = error.value.faults
    assert fault.message == "should say why no use case weighs it, with the words 'no weight'"


def test_a_share_without_its_reason_is_told(tmp_path: Path) -> None:
    (message,) = told(
        tmp_path, "      output_ownership: 2   # results", "      output_ownership: 2\n      # results"
    )
    assert message.endswith("should have its reason beside it, behind a #")


def test_fewer_objectives_than_can_be_weighed_against_each_other_are_told(tmp_path: Path) -> None:
    first = TEXT.index("      time: 57 ")
    weights = TEXT[first : TEXT.index("    shares:", first)]
    found = told(tmp_path, weights, "      time: 100  # all that counts\n")
    assert any(each.endswith("should weigh 2 to 6 objectives, and weighs 1") for each in found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    unit: s\n", "    unit: ms\n", "should be 's', in which cold_start measures, not 'ms'"),
        (
            "    probe: cold_start\n    figure: value\n",
            "    probe: setuid_planting\n    figure: value\n",
            "should be 'outcome': setuid_planting measures nothing",
        ),
        (
            "    probe: signal_delivery\n    figure: outcome\n",
            "    probe: cpu_rate\n    figure: outcome\n",
            "should be 'value' or 'ratio': cpu_rate measures in",
        ),
    ],
)
def test_a_figure_that_its_probe_does_not_give_is_told(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert any(expected in message for message in told(tmp_path, old, new)), told(tmp_path, old, new)
