"""Subordinate ids: there, enough, mapped for real, and nobody else's. The fakes play newuidmap's callers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.manifest import CheckFacts
from evaluation.measure.launcher import Launcher
from evaluation.measure.subordinate import subordinate_ids
from evaluation.measure.user import ourselves
from evaluation.model import CheckState

RANGE = "somebody:100000:65536\n"


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    user = replace(ourselves(), name="somebody", env={"PATH": str(tmp_path / "bin")})
    fake_executable(tmp_path / "bin" / "unshare", "exit 0")
    with Launcher(user) as own:
        own.user = replace(user, uid=user.uid or 54321)  # the fakes' processes are ours, who may be root
        yield own


def looked(
    launcher: Launcher,
    tmp_path: Path,
    subuid: str,
    subgid: str = RANGE,
    accounts: tuple[int, ...] = (0, 1000),
) -> CheckFacts:
    (tmp_path / "subuid").write_text(subuid)
    (tmp_path / "subgid").write_text(subgid)
    return subordinate_ids(launcher, tmp_path, accounts)


def test_a_range_of_ones_own_is_sound(launcher: Launcher, tmp_path: Path) -> None:
    check = looked(launcher, tmp_path, f"{RANGE}other:165536:65536\n")
    assert check.state is CheckState.SOUND
    assert (
        check.sentence
        == "somebody has 100000-165535; no account that is listed and no other range has any of them"
    )


@pytest.mark.parametrize(
    ("subuid", "subgid", "said"),
    [
        ("other:1:70000\n", RANGE, "no subordinate ids (subuid)"),
        (RANGE, "", "no subordinate ids (subgid)"),
        ("somebody:100000:1000\n", RANGE, "only 1000 subordinate ids (subuid)"),
    ],
)
def test_none_or_too_few_are_lost(
    launcher: Launcher, tmp_path: Path, subuid: str, subgid: str, said: str
) -> None:
    check = looked(launcher, tmp_path, subuid, subgid)
    assert check.state is CheckState.LOST
    assert check.sentence == f"somebody has {said}"
    assert "usermod --add-subuids" in check.remedy


def test_a_range_may_be_given_to_a_number(launcher: Launcher, tmp_path: Path) -> None:
    number = f"{launcher.user.uid}:200000:65536\n"
    assert "200000-265535" in looked(launcher, tmp_path, number, number).sentence


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("unshare: failed to execute newuidmap: No such file or directory", CheckState.LOST),
        ("unshare: unrecognized option '--map-auto'", CheckState.SOUND),
    ],
)
def test_they_are_mapped_once_where_that_can_be_asked_for(
    launcher: Launcher, tmp_path: Path, said: str, state: CheckState
) -> None:
    fake_executable(tmp_path / "bin" / "unshare", f'echo "{said}" >&2; exit 1')
    check = looked(launcher, tmp_path, RANGE)
    assert check.state is state
    assert (said in check.sentence) == (state is CheckState.LOST)


def test_who_else_has_them_is_counted_and_not_named(launcher: Launcher, tmp_path: Path) -> None:
    check = looked(launcher, tmp_path, f"{RANGE}alice:165535:10\n", accounts=(0, 120001, 120002, 165536))
    assert check.state is CheckState.CONDITION
    assert "an account (uid 120001 and 1 more), 1 other user in subuid(5)" in check.sentence
    assert "alice" not in check.sentence


def test_what_is_listed_twice_is_there_once(launcher: Launcher, tmp_path: Path) -> None:
    assert looked(launcher, tmp_path, RANGE * 2).sentence.startswith("somebody has 100000-165535; ")
    half = "somebody:100000:40000\n" * 2
    assert "only 40000 subordinate ids" in looked(launcher, tmp_path, half).sentence


def test_root_who_only_looks_is_not_said_to_lack_them(launcher: Launcher, tmp_path: Path) -> None:
    launcher.user = replace(launcher.user, uid=0)
    assert looked(launcher, tmp_path, "").state is CheckState.UNKNOWN


def test_a_directory_that_tells_them_is_asked_and_counted_once(launcher: Launcher, tmp_path: Path) -> None:
    fake_executable(tmp_path / "bin" / "getsubids", 'echo "0: somebody 100000 40000"')
    half = "somebody:100000:40000\n"
    assert "only 40000 subordinate ids" in looked(launcher, tmp_path, half, half).sentence
