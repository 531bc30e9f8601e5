from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from evaluation import commands
from evaluation.cli import main
from evaluation.errors import EvaluationError
from evaluation.measure.conformance import CHECKS, Result, shortcomings
from evaluation.model import CONTROL, Outcome
from evaluation.runtimes import known_runtimes

HOLDS = Result(runtime="fake", check="one", expectation="", outcome=Outcome.HOLDS, message="fine")
ABSENT = Result(runtime="fake-absent", outcome=Outcome.UNAVAILABLE, message="not installed")
HOST = Result(runtime=CONTROL, check="one", expectation="", outcome=Outcome.HOLDS, message="fine")
FAILS = Result(runtime="fake", check="two", expectation="", outcome=Outcome.FAILS, message="broken")
ERROR = Result(runtime="fake", check="three", expectation="", outcome=Outcome.ERROR, message="our fault")


@pytest.mark.parametrize(
    ("results", "status", "end"),
    [
        ([HOLDS, ABSENT], 0, "not installed\n"),
        ([FAILS, HOLDS], 1, "1 deviation\n"),
        ([FAILS, ERROR], 1, "2 deviations\n"),
        ([HOST, ABSENT], 1, "no container runtime was checked: evaluation doctor says why\n"),
        ([], 1, "no container runtime was checked: evaluation doctor says why\n"),
    ],
    ids=["conforms", "one", "two", "host alone", "nothing"],
)
def test_deviations_are_counted_and_end_with_1(
    results: list[Result], status: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def conform(**_: object) -> Iterator[Result]:
        yield from results

    monkeypatch.setattr(commands, "conform", conform)
    done = CliRunner().invoke(main, ["conform"])
    assert done.exit_code == status
    assert done.output.endswith(end)
    assert all(result.message in done.output for result in results)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), ()),
        (("fake",), ()),
        (("fake-absent",), ("fake-absent was asked for and cannot be checked: not installed",)),
        (("fake", "fake-absent"), ("fake-absent was asked for and cannot be checked: not installed",)),
    ],
)
def test_what_was_asked_for_must_have_been_checked(asked: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert shortcomings([HOST, HOLDS, ABSENT], asked) == expected


def test_the_bare_host_alone_is_enough_where_it_was_asked_for() -> None:
    assert shortcomings([HOST, ABSENT], ("none",)) == ()
    assert shortcomings([], ("none",)) == ()


@pytest.mark.real
def test_every_known_runtime_has_its_rows(launcher: object) -> None:
    """The bare host is checked, all others are left out; ``launcher`` skips where nobody can measure."""
    assert launcher
    try:
        results = list(commands.conform(site="local", runtimes=["none"], user=""))
    except EvaluationError as error:
        if "under way" in error.what:
            pytest.skip(error.what)
        raise
    assert [result.check for result in results if result.runtime == CONTROL] == [check.id for check in CHECKS]
    assert all(result.conforms for result in results)
    others = [result for result in results if result.runtime != CONTROL]
    assert {result.outcome for result in others} == {Outcome.UNAVAILABLE}
    assert {result.runtime for result in results} == set(known_runtimes())
    assert all(result.message for result in others)
