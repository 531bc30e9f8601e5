"""Keeping images: reuse, two at once, a full store, who may bring one, and what removing leaves."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from supplied import judged

from evaluation.measure.launcher import Command
from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes.base import Completed, Judgement
from evaluation.probes.registry import find
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.testing import FakeSession, answered, ended

NAMES = (
    "cached_image_reuse",
    "concurrent_conversion",
    "full_image_cache",
    "image_loading_right",
    "image_removal",
)


@dataclass
class Store:
    """Plays an engine's store; ``loads`` says how each loading ends, the last one for all that follow."""

    loads: list[Completed] = field(default_factory=lambda: [ended()])
    changed: bool = False
    left: tuple[str, ...] = ("there", "")
    exists: list[int] = field(default_factory=lambda: [0])
    word: str = ""
    called: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        self.called.append(argv)
        if "load" in argv or "build" in argv:
            archive = argv[argv.index("--input") + 1] if "load" in argv else argv[-1].partition(":")[2]
            self.word = _word_in(Path(archive))
            return self.loads.pop(0) if len(self.loads) > 1 else self.loads[0]
        if "exists" in argv:
            return ended(exit_status=self.exists.pop(0) if len(self.exists) > 1 else self.exists[0])
        if argv[0] == "find":
            found, *rest = self.left
            self.left = tuple(rest) or self.left
            return ended(f"{found}\n".encode() if found else b"")
        if "read" in argv:
            return answered({"what": "read", "text": "another" if self.changed else self.word})
        return ended(b"/store\n") if "info" in argv else ended()


def _word_in(archive: Path) -> str:
    with tarfile.open(archive) as outer, tarfile.open(fileobj=outer.extractfile("layer.tar")) as layer:
        mark = layer.extractfile("./srv/mark")
        assert mark is not None
        return mark.readline().decode().strip()


def turn(
    name: str, tmp_path: Path, store: Store, *, runtime: str = "podman", privileged: bool = True
) -> Judgement:
    session = FakeSession(
        probe=find(name),
        work=tmp_path,
        on_launch=store,
        adapter=known_runtimes()[runtime],
        privileged=privileged,
    )
    find(name).observe(session)
    return find(name).judge(session.observations, {})


FAILED = ended(exit_status=1, stderr=b"permission denied")
FULL = ended(exit_status=1, stderr=b"write: no space left on device")


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_process_keeps_no_images(name: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeRefusalError, match="keeps no images"):
        turn(name, tmp_path, Store(), runtime="host")


def test_reuse_is_the_second_time_over_the_first(tmp_path: Path) -> None:
    store = Store(loads=[ended(duration_s=4.0), ended(duration_s=1.0)])
    judgement = turn("cached_image_reuse", tmp_path, store)
    assert judgement.outcome is Outcome.MEASURED
    assert judgement.samples == {0: 0.25}
    assert turn("cached_image_reuse", tmp_path, Store(loads=[FAILED])).outcome is Outcome.ERROR
    assert turn("cached_image_reuse", tmp_path, Store(changed=True)).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("store", "outcome", "said"),
    [
        (Store(), Outcome.HOLDS, "both ended well"),
        (
            Store(loads=[ended(), FAILED, ended()]),
            Outcome.FAILS,
            "one of two ended with 1: permission denied",
        ),
        (Store(changed=True), Outcome.FAILS, "does not run"),
        (Store(loads=[FAILED]), Outcome.ERROR, "one alone is not made either"),
        (Store(loads=[FAILED, FAILED, ended()], changed=True), Outcome.FAILS, "one ended with: permission"),
    ],
)
def test_two_at_once(tmp_path: Path, store: Store, outcome: Outcome, said: str) -> None:
    judgement = turn("concurrent_conversion", tmp_path, store)
    assert judgement.outcome is outcome
    assert said in judgement.message


@pytest.mark.parametrize(
    ("store", "outcome", "said"),
    [
        (Store(loads=[ended(), FULL], exists=[0, 1]), Outcome.HOLDS, "it says so"),
        (Store(loads=[ended(), FAILED], exists=[0, 1]), Outcome.FAILS, "does not say that the disk is full"),
        (Store(loads=[ended(), FULL], exists=[0, 0]), Outcome.FAILS, "what is left of it starts"),
        (Store(loads=[ended(), ended()], exists=[0, 1]), Outcome.FAILS, "it ended with 0"),
        (Store(loads=[FULL], exists=[1]), Outcome.ERROR, "with room enough it was not made either"),
    ],
)
def test_a_full_store(tmp_path: Path, store: Store, outcome: Outcome, said: str) -> None:
    judgement = turn("full_image_cache", tmp_path, store)
    assert judgement.outcome is outcome, judgement.message
    assert said in judgement.message
    mounts = [argv for argv in store.called if argv[0] == "mount"]
    assert len(mounts) == sum(argv[0] == "umount" for argv in store.called)
    assert all(argv[argv.index("-t") + 1] == "tmpfs" for argv in mounts)


def test_the_daemons_store_is_not_filled(tmp_path: Path) -> None:
    store = Store()
    assert turn("full_image_cache", tmp_path, store, runtime="docker").outcome is Outcome.UNAVAILABLE
    assert store.called == []


@pytest.mark.parametrize(
    ("loads", "outcome"),
    [([ended(), FAILED], Outcome.HOLDS), ([ended(), ended()], Outcome.FAILS), ([FAILED], Outcome.ERROR)],
)
def test_who_may_bring_an_image(tmp_path: Path, loads: list[Completed], outcome: Outcome) -> None:
    store = Store(loads=loads)
    assert turn("image_loading_right", tmp_path, store, runtime="docker").outcome is outcome
    if outcome is not Outcome.ERROR:
        assert sum("--clear-groups" in argv for argv in store.called) == 1


@pytest.mark.parametrize("name", ["image_loading_right", "full_image_cache"])
def test_without_root_nothing_is_claimed(tmp_path: Path, name: str) -> None:
    assert turn(name, tmp_path, Store(), privileged=False).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    ("left", "outcome"),
    [(("there", ""), Outcome.HOLDS), (("there", "there"), Outcome.FAILS), (("", ""), Outcome.ERROR)],
)
def test_what_removing_leaves(tmp_path: Path, left: tuple[str, ...], outcome: Outcome) -> None:
    assert turn("image_removal", tmp_path, Store(left=left)).outcome is outcome


@pytest.mark.real
@pytest.mark.parametrize(
    ("runtime", "name", "outcome"),
    [
        ("docker", "concurrent_conversion", Outcome.HOLDS),
        ("docker", "image_loading_right", Outcome.HOLDS),
        ("charliecloud", "image_loading_right", Outcome.FAILS),
        ("docker", "image_removal", Outcome.HOLDS),
        ("podman", "image_removal", Outcome.HOLDS),
    ],
)
def test_the_real_thing(
    arm_of: Callable[[str], Arm], bench: Bench, runtime: str, name: str, outcome: Outcome
) -> None:
    answer = judged(name, arm_of(runtime), bench)
    assert isinstance(answer, Judgement)
    assert answer.outcome is outcome, answer.message


@pytest.mark.real
def test_an_image_that_is_not_removed_is_found(
    arm_of: Callable[[str], Arm], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm = arm_of("podman")
    module = "evaluation.probes.operations.image_removal"
    kept: list[str] = []
    monkeypatch.setattr(f"{module}.forget", lambda _, name: kept.append(name))
    answer = judged("image_removal", arm, bench)
    assert isinstance(answer, Judgement)
    for name in kept:
        command = (arm.runtime.command, *arm.runtime.engine_options, "image", "rm", "--force", name)
        bench.launcher.run(Command(argv=command, env=bench.launcher.user.env), timeout_s=60.0)
    assert answer.outcome is Outcome.FAILS
