"""What flips an attempt, what publishes it, and what is kept back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.decide import checklist as module
from evaluation.decide.checklist import Arm, Checklist, Tried, flipped, published, read_checklists
from evaluation.errors import EvaluationError
from evaluation.model import Delta, Effect, Finding, Outcome, ProbeTexts

ARMS = (
    Arm(id="host", family="host", version="1"),
    Arm(id="docker", family="docker", version="1"),
    Arm(id="docker+null", family="docker", version="1", of="docker", effect=Effect.NOTHING),
    Arm(id="docker+weak", family="docker", version="1", of="docker", effect=Effect.WEAKENS),
    Arm(id="docker+gone", family="docker", version="1", of="docker", effect=Effect.HARDENS, absent="no disk"),
)


def tried(probe: str = "taking", **verdicts: str) -> Tried:
    """One attempt; verdicts by arm (``docker_weak`` is ``docker+weak``), several turns with commas."""
    return Tried(
        probe=probe,
        version=1,
        checklist_id="P99",
        question="?",
        verdicts={arm.replace("_", "+"): tuple(words.split(",")) for arm, words in verdicts.items()},
    )


def made(*attempts: Tried, run: str = "20260101T000000Z-made-up") -> Checklist:
    return Checklist(
        site="local",
        run=run,
        tool_version="0",
        started_at="2026-01-01T00:00:00+00:00",
        system="fake",
        kernel="fake",
        arms=ARMS,
        attempts=attempts,
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("DENIED", "EXPOSED", True),
        ("EXPOSED", "ABSENT", True),
        ("INERT", "EXPOSED", True),
        ("HOLDS", "FAILS", True),
        ("DENIED", "ABSENT", False),
        ("DENIED", "INERT", False),
        ("EXPOSED", "EXPOSED", False),
        ("EXPOSED", "ERROR", False),
        ("DENIED", "ERROR", False),
        ("ERROR", "EXPOSED", False),
        ("EXPOSED", "UNSUPPORTED", False),
        ("EXPOSED", "", False),
    ],
)
def test_only_an_exposure_that_comes_or_goes_is_a_flip(before: str, after: str, expected: bool) -> None:  # noqa: FBT001
    assert flipped(before, after) is expected


def test_a_flag_publishes_an_attempt() -> None:
    row = tried(host="DENIED", docker="DENIED", docker_null="DENIED", docker_weak="EXPOSED")
    checklist = made(row)
    assert [(flip.arm, flip.before, flip.after) for flip in checklist.flips(row)] == [
        ("docker+weak", "DENIED", "EXPOSED")
    ]
    assert checklist.unpublished(row) == ""
    assert checklist.flipped_by(ARMS[3]) == (row,)
    assert checklist.flipped_by(ARMS[2]) == ()


def test_so_does_a_difference_to_the_bare_host() -> None:
    row = tried(host="EXPOSED", docker="DENIED", docker_null="DENIED", docker_weak="DENIED")
    assert [flip.arm for flip in made(row).controls(row)] == ["docker"]
    assert made(row).unpublished(row) == ""


def test_where_the_bare_host_cannot_be_asked_runtimes_that_differ_show_it() -> None:
    other = Arm(id="apptainer", family="apptainer", version="1")
    row = tried(host="UNSUPPORTED", docker="EXPOSED", apptainer="DENIED")
    both = made(row).model_copy(update={"arms": (*ARMS, other)})
    assert [(flip.arm, flip.before, flip.after) for flip in both.controls(row)] == [
        ("apptainer", "EXPOSED", "DENIED")
    ]
    assert made(tried(host="UNSUPPORTED", docker="EXPOSED")).controls(row) == ()


def test_what_nothing_flips_is_not_published_and_says_what_was_seen() -> None:
    row = tried(host="DENIED", docker="DENIED", docker_null="DENIED", docker_weak="ERROR")
    assert made(row).unpublished(row) == (
        "no flag and no control flips it: DENIED or ERROR wherever it was tried"
    )


def test_the_null_must_not_change_a_verdict_at_all() -> None:
    well = tried(docker="DENIED", docker_null="DENIED")
    flips = tried(docker="DENIED", docker_null="EXPOSED")
    changes = tried(docker="DENIED", docker_null="INERT")
    assert made(well).null_faults() == ()
    assert [row for row, _ in made(well, flips, changes).null_faults()] == [flips, changes]
    assert made(well, flips).null_cells == 2


def test_turns_taken_again_must_agree() -> None:
    row = tried(host="DENIED,DENIED,DENIED", docker="DENIED,EXPOSED,DENIED", docker_weak="EXPOSED")
    assert made(row).repeated() == (2, 3)
    assert [(arm, words) for _, arm, words in made(row).unstable()] == [
        ("docker", ("DENIED", "EXPOSED", "DENIED"))
    ]
    assert made(tried(host="DENIED")).repeated() == (0, 0)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (
            [tried(docker="DENIED", docker_null="EXPOSED")],
            "the null changed P99 taking on docker+null: DENIED, then",
        ),
        (
            [tried(docker="DENIED", docker_null="DENIED", host="DENIED,EXPOSED")],
            "on host was not repeated: DENIED,",
        ),
        ([tried(docker="ERROR", docker_null="ERROR", docker_weak="ERROR")], "P99 taking broke on docker"),
        (
            [tried(docker="ERROR", docker_null="ERROR", docker_weak="ERROR")],
            "docker started with none of its 3 flags",
        ),
        (
            [tried(docker="UNAVAILABLE", docker_null="UNAVAILABLE", docker_weak="UNAVAILABLE")],
            "P99 taking had an answer on no runtime",
        ),
        (
            [tried(docker="DENIED", docker_null="ERROR", docker_weak="EXPOSED")],
            "docker was not started with the flag that changes nothing",
        ),
    ],
)
def test_a_calibration_that_shows_less_than_it_was_made_for_says_so(rows: list[Tried], fault: str) -> None:
    assert any(fault in told for told in made(*rows).faults()), made(*rows).faults()


def test_a_calibration_is_well_with_a_flag_that_does_not_start_here_and_names_it() -> None:
    well = made(tried(host="DENIED", docker="DENIED", docker_null="DENIED", docker_weak="EXPOSED"))
    assert well.faults() == ()
    assert [(arm.id, said) for arm, said in well.not_started()] == [("docker+gone", "no disk")]


def test_written_and_read_again(tmp_path: Path) -> None:
    older, newer = made(tried(docker="DENIED"), run="a"), made(tried(docker="EXPOSED"), run="b")
    for checklist in (older, newer):
        folder = tmp_path / checklist.run
        folder.mkdir()
        checklist.write(folder)
    assert read_checklists(tmp_path) == (newer, older)
    (tmp_path / "b" / module.FILE).write_text("{}")
    with pytest.raises(EvaluationError, match=r"is damaged(.|\n)*evaluation calibrate security"):
        read_checklists(tmp_path)


def test_of_each_attempt_the_newest_calibration_of_one_site_is_shown() -> None:
    one = made(tried("one", docker="DENIED"), run="c")
    both = made(tried("one", docker="EXPOSED"), tried("two", docker="DENIED"), run="b")
    neither = made(tried("two", docker="EXPOSED"), run="a")
    elsewhere = made(tried("three", docker="DENIED")).model_copy(update={"site": "reference"})
    shown = module.current([one, both, neither, elsewhere])
    assert [(checklist.run, [row.probe for row in checklist.attempts]) for checklist in shown] == [
        ("c", ["one"]),
        ("b", ["two"]),
    ]
    assert module.current([elsewhere]) == (elsewhere,)
    assert module.current([]) == ()


FINDING = Finding(
    site="local",
    run="r",
    runtime="docker",
    probe="taking",
    probe_version=1,
    outcome=Outcome.HOLDS,
    verdict="DENIED",
    message="seen",
    texts=ProbeTexts(question="?", why="", method="", remedy="", group="security", checklist_id="P99"),
)
FLIPPED = tried(host="EXPOSED", docker="DENIED")
STUCK = tried(host="DENIED", docker="DENIED")


def kept(finding: Finding, *checklists: Checklist) -> Finding:
    return next(published([finding], checklists))


def test_a_published_attempt_stays_as_it_was_found() -> None:
    assert kept(FINDING, made(FLIPPED)) == FINDING
    assert kept(FINDING, made(STUCK), made(FLIPPED)) == FINDING  # one calibration that shows it is enough


def test_an_attempt_that_nothing_flips_is_kept_back_with_the_reason() -> None:
    held = kept(FINDING, made(STUCK))
    assert (held.outcome, held.verdict) == (Outcome.INERT, "INERT")
    assert held.message.startswith("not published: no flag and no control flips it")


@pytest.mark.parametrize("delta", [Delta.ADDED, Delta.TAKEN_AWAY, Delta.SAME])
def test_what_is_kept_back_makes_no_difference_to_the_bare_host_either(delta: Delta) -> None:
    assert kept(replace(FINDING, delta=delta), made(STUCK)).delta is Delta.UNKNOWN
    assert kept(replace(FINDING, delta=delta), made(FLIPPED)).delta is delta
    assert kept(replace(FINDING, runtime="host", delta=None), made(STUCK)).delta is None


@pytest.mark.parametrize("changed", [{"probe": "another"}, {"probe_version": 2}])
def test_an_attempt_that_was_not_calibrated_is_kept_back_too(changed: dict[str, object]) -> None:
    held = kept(replace(FINDING, **changed), made(FLIPPED))  # type: ignore[arg-type]
    assert held.outcome is Outcome.INERT
    assert "was not calibrated yet (evaluation calibrate security)" in held.message


@pytest.mark.parametrize("outcome", [Outcome.INERT, Outcome.ERROR, Outcome.UNAVAILABLE, Outcome.UNSUPPORTED])
def test_what_says_nothing_anyway_keeps_its_own_reason(outcome: Outcome) -> None:
    finding = replace(FINDING, outcome=outcome, verdict="")
    assert kept(finding) == finding


def test_what_is_no_attempt_needs_no_calibration() -> None:
    finding = replace(FINDING, texts=replace(FINDING.texts, checklist_id=""))
    assert kept(finding) == finding
