from pathlib import Path

import pytest

from evaluation.model import Outcome
from evaluation.probes.base import Completed, PreparedForm
from evaluation.probes.performance.import_cold import PROBE
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, judge

COUNTS = {"modules": 287, "files": 249, "compiled": 229}
IMPORTS = answered({"what": "imports", "elapsed_ns": 2_000_000_000, "failed": [], **COUNTS})
EVICTED = {"what": "evict", "files": 9, "bytes": 1000, "resident_bytes": 0, "errors": 0}
FORM = PreparedForm(path="/forms/image.sif", size_bytes=1, convert_s=1.0, first_start_s=1.0)
IN_A_STORE = PreparedForm(path="", size_bytes=1, convert_s=1.0, first_start_s=1.0)


def observed(tmp_path: Path, evicted: Completed, form: PreparedForm | None = FORM) -> FakeSession:
    session = FakeSession(
        probe=PROBE,
        work=tmp_path,
        form=form,
        on_launch=lambda argv: evicted if "evict" in argv else IMPORTS,
    )
    PROBE.observe(session)
    return session


def test_the_files_of_the_form_alone_are_put_out_of_the_cache_first(tmp_path: Path) -> None:
    session = observed(tmp_path, answered(EVICTED))
    assert session.launched == [
        ("/payload/probe", "evict", "/forms/image.sif"),
        ("python3", "-B", "/payload/import_storm.py"),
    ]
    own = session.observations
    assert PROBE.judge(own, {"host": own}).samples == {0: 2.0}


@pytest.mark.parametrize(
    ("evicted", "form", "outcome", "words"),
    [
        (answered({**EVICTED, "resident_bytes": 51}), FORM, Outcome.UNAVAILABLE, "51 of 1000 bytes stayed"),
        (answered({**EVICTED, "bytes": 0}), FORM, Outcome.ERROR, "could not be put out of the cache"),
        (answered(EVICTED, done=False), FORM, Outcome.ERROR, "could not be put out of the cache"),
        (answered(EVICTED), IN_A_STORE, Outcome.UNAVAILABLE, "lies in a store"),
        (answered(EVICTED), None, Outcome.ERROR, "nothing was recorded about the image's form"),
    ],
)
def test_what_was_not_cold_is_not_measured(
    tmp_path: Path, evicted: Completed, form: PreparedForm | None, outcome: Outcome, words: str
) -> None:
    session = observed(tmp_path, evicted, form)
    judgement = PROBE.judge(session.observations, {})
    assert (judgement.outcome, judgement.samples) == (outcome, None)
    assert words in judgement.message
    assert not any("python3" in argv for argv in session.launched)


def test_other_modules_than_the_controls_are_an_error() -> None:
    own: Recorded = {"imports": 2.0, **COUNTS}
    assert judge("import_cold", own, host=own).outcome is Outcome.MEASURED
    assert judge("import_cold", own, host={**own, "files": 1}).outcome is Outcome.ERROR


def test_a_real_turn_on_the_bare_host(take_turn: TakesTurns, payload: Path) -> None:
    # The payload's own directory stands for the form; on a RAM disk nothing can be put out of memory.
    form = PreparedForm(path=str(payload), size_bytes=1, convert_s=1.0, first_start_s=1.0)
    own = take_turn("import_cold", form=form)
    judgement = PROBE.judge(own, {"host": own})
    assert judgement.outcome in {Outcome.MEASURED, Outcome.UNAVAILABLE}
    assert own.values("evicted") or "stayed in the page cache" in judgement.message
