"""What the attempts of the payload say and leave where nobody receives them, as an ordinary user."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.probes.reception import Reception

Lines = list[dict[str, Any]]
ORDINARY = 54_321


@pytest.fixture
def own(scratch: Path) -> Iterator[Path]:
    path = scratch / "own"
    path.mkdir()
    if os.getuid() == 0:
        os.chown(path, ORDINARY, ORDINARY)
    yield path
    path.rmdir()  # nothing was left in it


@pytest.fixture(scope="module")
def run(payload: Path) -> Callable[..., Lines]:
    drop = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]

    def lines(*words: object) -> Lines:
        argv = [*(drop if os.getuid() == 0 else []), str(payload / "probe"), *map(str, words)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        assert found.pop() == {"done": True}
        return found

    return lines


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("visit", "{own}"), ["visit"]),
        (("switch-user", "{own}", 0), ["visit"]),
        (("namespaces", "{own}"), ["visit"]),
        (("mount", "{own}", "{own}", "word"), ["visit"]),
        (("write-image", "{own}", "name", "{own}"), ["visit"]),
        (("hostname", "{own}"), ["visit", "hostname"]),
        (("reach", "{own}", "/"), ["reach"]),
    ],
)
def test_without_a_verifier_nothing_is_attempted_that_it_would_have_to_see(
    words: tuple[object, ...], kinds: list[str], run: Callable[..., Lines], own: Path
) -> None:
    name = socket.gethostname()
    lines = run(*(str(word).format(own=own) for word in words))
    assert [line["what"] for line in lines] == kinds
    assert (lines[0]["ok"], lines[0]["error"]) == (False, "No such file or directory")
    assert socket.gethostname() == name


def test_places_are_reached_as_far_as_they_are_open(run: Callable[..., Lines], own: Path) -> None:
    with Reception(own) as reception:
        lines = run("reach", own, "/usr", own / "verifier.sock", own / "missing")
        visits = reception.visits
    assert [line["shown"] for line in lines] == [True, True, False]
    assert [line.get("errno") for line in lines] == [None, errno.ENXIO, errno.ENOENT]
    assert [line["writable"] for line in lines] == [False, True, False]
    assert [seen.readable for seen in visits] == [False, True, False]
    assert os.path.samestat(visits[1].handed, Path("/usr").stat())  # type: ignore[arg-type]  # it was handed over


def test_a_device_node_is_refused_and_nothing_is_left(run: Callable[..., Lines], own: Path) -> None:
    (line,) = run("make-node", "c", 1, 3, own, own / "node")
    assert (line["made"], line["opened"], line["left"]) == (False, False, False)
    assert line["error"] == "Operation not permitted"


def test_groups_stay_and_the_file_is_told_as_it_is_read(run: Callable[..., Lines], own: Path) -> None:
    laid_down, before, dropped, after = run("drop-groups", own / "missing")
    assert laid_down["ok"] is True
    assert (dropped["ok"], dropped["error"]) == (False, "Operation not permitted")
    assert before["error"] == after["error"] == "No such file or directory"


def test_a_mask_that_is_none_is_not_taken_away(run: Callable[..., Lines]) -> None:
    peek, apart, *rest = run("unmask", "/proc/version")
    assert peek["proc"] is True
    assert bytes.fromhex(peek["bytes"]) == Path("/proc/version").read_bytes()[:16]
    assert (apart["ok"], rest) == (False, [])


def test_devices_are_listed_with_the_file_system_they_are_on(run: Callable[..., Lines]) -> None:
    (line,) = run("list-devices", "/dev")
    status = Path("/dev").stat()
    assert (line["device"], line["inode"]) == (status.st_dev, status.st_ino)
    assert {"c1:3", "c1:5"} <= set(line["nodes"].split())


@pytest.mark.parametrize("command", ["list-devices", "read-disks"])
def test_a_place_without_devices_is_no_fault_and_one_that_there_is_not_is(
    command: str, run: Callable[..., Lines], own: Path
) -> None:
    assert [line["ok"] for line in run(command, own)] == [True]
    assert [line["ok"] for line in run(command, own / "missing")] == [False]


def test_disks_are_closed_to_an_ordinary_user(run: Callable[..., Lines]) -> None:
    *disks, summary = run("read-disks", "/dev")
    assert summary["disks"] == len(disks)
    assert all("text" not in line for line in disks), "the content of a real disk is never told"
