"""An image in use is not changed, whoever shares the cache; and nobody waits for ever."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from unreadable import unreadable

from evaluation.errors import EvaluationError
from evaluation.images import holding
from evaluation.images.holding import changing, release, use
from evaluation.images.kept import kept, remove
from evaluation.model import Completed
from evaluation.testing import ended


def really(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout_s, check=False)
    return ended(done.stdout, stderr=done.stderr, exit_status=done.returncode)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "images" / "small-0123"
    made.mkdir(parents=True)
    yield made
    release()


def another(folder: Path, kind: int) -> int:
    """Lock an image as another process would."""
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, kind | fcntl.LOCK_NB)
    return lock


def test_what_one_uses_another_does_not_change(folder: Path) -> None:
    use(folder, really)
    use(folder, really)
    os.close(another(folder, fcntl.LOCK_SH))
    with pytest.raises(BlockingIOError):
        another(folder, fcntl.LOCK_EX)
    release()
    os.close(another(folder, fcntl.LOCK_EX))


def test_who_uses_it_alone_may_change_it_and_goes_on_using_it(folder: Path) -> None:
    use(folder, really)
    with changing(folder, really), pytest.raises(BlockingIOError):
        another(folder, fcntl.LOCK_SH)
    with pytest.raises(BlockingIOError):
        another(folder, fcntl.LOCK_EX)
    os.close(another(folder, fcntl.LOCK_SH))


def test_what_others_use_too_is_not_changed(folder: Path) -> None:
    use(folder, really)
    lock = another(folder, fcntl.LOCK_SH)
    with pytest.raises(EvaluationError, match="a measurement uses this image"), changing(folder, really):
        pytest.fail("it was changed")
    os.close(lock)
    with pytest.raises(BlockingIOError):  # it is still used
        another(folder, fcntl.LOCK_EX)


def test_nobody_waits_for_ever(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "_PATIENCE_S", 0.0)
    lock = another(folder, fcntl.LOCK_EX)
    with pytest.raises(EvaluationError, match="another has been making this image"):
        use(folder, really)
    with pytest.raises(EvaluationError, match="another has been making"), changing(folder, really):
        pytest.fail("it was changed")
    os.close(lock)


def test_without_locks_everything_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", flock)
    use(folder, really)
    with changing(folder, really):
        pass
    nowhere = Path("/proc/images/small")  # no lock can be made there
    use(nowhere, really)
    with changing(nowhere, really):
        pass


def test_a_lock_below_a_closed_folder_keeps_nothing_apart(folder: Path) -> None:
    """What is kept there cannot be read either, and that is said by who reads it."""
    with unreadable():
        use(folder, really)
        with changing(folder, really):
            pass


def test_who_has_just_made_an_image_is_not_taken_for_one_who_measures(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake of flock(2): between the two looks of one who waits, the maker ends."""
    lock, asked, flock = another(folder, fcntl.LOCK_EX), [], fcntl.flock

    def ends_after_the_first_look(descriptor: int, kind: int) -> None:
        asked.append(kind)
        try:
            flock(descriptor, kind)
        finally:
            if len(asked) == 1:
                os.close(lock)

    monkeypatch.setattr(fcntl, "flock", ends_after_the_first_look)
    with changing(folder, really):
        pass
    assert asked[:2] == [fcntl.LOCK_EX | fcntl.LOCK_NB, fcntl.LOCK_SH | fcntl.LOCK_NB]


def test_what_is_in_use_is_not_cleaned_away(folder: Path) -> None:
    (item,) = kept(folder.parents[1], [], really)
    lock = another(folder, fcntl.LOCK_SH)
    with pytest.raises(EvaluationError, match="a measurement uses this image"):
        remove([item], really)
    assert folder.exists()
    os.close(lock)
    remove([item], really)
    assert not folder.exists()
