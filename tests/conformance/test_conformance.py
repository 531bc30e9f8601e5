"""The conformance list against every runtime that is really here."""

from collections.abc import Callable

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.convert import content_digest
from evaluation.measure.conformance import CHECKS, Check, examine
from evaluation.measure.images import runner
from evaluation.measure.session import Arm, Bench, work_directory
from evaluation.model import CONTROL, Outcome
from evaluation.runtimes import known_runtimes

# What a runtime cannot do by design; everything else it must.
BY_DESIGN = {
    ("host", "bind_read_only"),
    ("host", "bind_source_missing"),
    ("charliecloud", "bind_read_only"),
}


@pytest.mark.real
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
@pytest.mark.parametrize("runtime", known_runtimes())
def test_runtime_conforms(runtime: str, check: Check, arm_of: Callable[[str], Arm], bench: Bench) -> None:
    result = examine(check, bench, arm_of(runtime))
    expected = Outcome.UNSUPPORTED if (runtime, check.id) in BY_DESIGN else Outcome.HOLDS
    assert result.outcome is expected, f"{result.expectation}: {result.message}"


@pytest.mark.real
def test_the_digest_is_computed_by_the_images_python_and_not_the_hosts(
    arm_of: Callable[[str], Arm], bench: Bench
) -> None:
    arm = arm_of(CONTROL)
    with work_directory(bench) as work:
        (work / "tree_digest.py").write_text("import json, sys; sys.exit(json.__file__)")
        with pytest.raises(EvaluationError) as error:
            content_digest(arm.reference, arm.runtime, runner(bench.launcher), str(work))
    assert f"{arm.reference}/usr/lib/python3" in error.value.what
