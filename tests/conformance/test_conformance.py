"""The conformance list against every runtime that is really here."""

from collections.abc import Callable

import pytest

from evaluation.measure.conformance import CHECKS, Check, examine
from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.runtimes import known_runtimes

# What a runtime cannot do by design; everything else it must.
BY_DESIGN = {
    ("host", "bind_read_only"),
    ("host", "bind_source_missing"),
    ("charliecloud", "bind_read_only"),
    ("charliecloud-squashfs", "bind_read_only"),
    ("charliecloud-squashfs", "death_by_signal"),
}


@pytest.mark.real
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
@pytest.mark.parametrize("runtime", known_runtimes())
def test_runtime_conforms(runtime: str, check: Check, arm_of: Callable[[str], Arm], bench: Bench) -> None:
    result = examine(check, bench, arm_of(runtime))
    expected = Outcome.UNSUPPORTED if (runtime, check.id) in BY_DESIGN else Outcome.HOLDS
    assert result.outcome is expected, f"{result.expectation}: {result.message}"
