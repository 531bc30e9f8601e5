"""Both ends of a meeting: who may come, whose clock is asked, and who notices that the other is gone."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest

from evaluation.errors import EvaluationError
from evaluation.measure import meeting as module
from evaluation.measure.clocks import offset_of
from evaluation.measure.meeting import Address, Meeting, attend, watched


def test_a_share_comes_tells_its_clock_and_hears_its_order() -> None:
    heard: list[object] = []

    def share() -> None:
        with attend(meeting.address) as seat:
            seat.say(index=3)
            heard.append(seat.order())

    with Meeting("127.0.0.1") as meeting:
        thread = threading.Thread(target=share)
        thread.start()
        seat = meeting.next(10.0)
        assert seat is not None
        assert seat.hear() == {"index": 3}
        clock = offset_of(seat.clock)
        assert abs(clock.ns) <= clock.bound_ns, "it is the same clock"
        seat.say(go=True)
        thread.join(10.0)
        assert heard == [{"go": True}]
        assert seat.gone(10.0)


def test_nobody_comes_without_the_key_and_others_still_do() -> None:
    with Meeting("127.0.0.1") as meeting:
        with (
            pytest.raises(EvaluationError, match="cannot connect"),
            attend(replace(meeting.address, key=b"guessed")),
        ):
            pass
        assert meeting.next(0.2) is None
        with attend(meeting.address):
            assert meeting.next(10.0) is not None


def test_somebody_who_says_nothing_holds_up_nobody() -> None:
    """A port scanner, or a node whose network hangs: it connects, and that is all."""
    with Meeting("127.0.0.1") as meeting:
        address = (meeting.address.host, meeting.address.port)
        with socket.create_connection(address), socket.create_connection(address) as half:
            half.sendall(b"\0\0")
            with attend(meeting.address):
                assert meeting.next(10.0) is not None
        assert meeting.next(0.1) is None


def test_somebody_who_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROOF_S", 1)
    with Meeting("127.0.0.1") as meeting:
        with socket.create_connection((meeting.address.host, meeting.address.port), timeout=20.0) as silent:
            while silent.recv(1024):
                pass  # its challenge, and then the end
        assert meeting.next(0.1) is None


def test_a_host_that_says_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROOF_S", 1)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(EvaluationError, match="cannot connect"),
        attend(Address(host="127.0.0.1", port=server.getsockname()[1], key=b"key")),
    ):
        pass


def test_who_has_come_and_then_says_nothing_is_not_waited_for_without_end() -> None:
    with Meeting("127.0.0.1") as meeting, attend(meeting.address):
        seat = meeting.next(10.0)
        assert seat is not None
        with pytest.raises(EOFError):
            seat.hear(0.1)


def test_work_is_ended_as_soon_as_whoever_submitted_it_is_gone_and_not_before() -> None:
    ended = threading.Event()
    with Meeting("127.0.0.1") as meeting, attend(meeting.address) as seat:
        theirs = meeting.next(10.0)
        assert theirs is not None
        with watched(seat, ended.set):
            time.sleep(0.3)
            assert not ended.is_set()
            theirs.close()
            assert ended.wait(10.0)


def test_an_address_that_is_not_ours_is_told_with_the_line_to_change() -> None:
    with pytest.raises(EvaluationError, match=r"(?s)no port can be opened at 192\.0\.2\.1.*site's file"):
        Meeting("192.0.2.1")
