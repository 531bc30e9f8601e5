"""The developer's flow: every step that can break is named, and the full image must say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from real_attempts import ArmOf, verdicts

from evaluation.images.build import kept_image
from evaluation.images.convert import convert
from evaluation.images.recipe import load_recipe
from evaluation.measure.discovery import FoundRuntime
from evaluation.measure.images import built_image, runner
from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes.base import Completed
from evaluation.probes.developing import PROGRAM, SOURCE
from evaluation.probes.operations.developer_flow import PROBE
from evaluation.testing import FakeSession, answered, ended

IMAGES = Path(__file__).parents[3] / "images"
HAS = answered({"what": "program", "name": "gcc", "ok": True}, {"what": "program", "name": "gdb", "ok": True})


def flow(work: Path, *, full: str = "answer 68", traced: bool = True, owned: bool = True) -> FakeSession:
    """A session whose compiler copies, whose programs print, and whose full image says what it is told."""
    runs: list[str] = []

    def answer(argv: tuple[str, ...]) -> Completed:
        number = (
            int((work / SOURCE).read_text().split("answer(")[2].split(")")[0])
            if "programs" not in argv
            else 0
        )
        if "programs" in argv:
            return HAS
        if argv[0] == "gcc":
            (work / PROGRAM).write_text("built")
            return ended()
        if argv[0] == "gdb":
            said = f"{SOURCE}:4\n$1 = {2 * number}\n#1 main ()\n" if traced else "ptrace: not permitted"
            return ended(said.encode())
        runs.append(argv[0])
        return ended(full.encode() if len(runs) == 3 else f"answer {2 * number}".encode())

    status = work.stat()
    session = FakeSession(
        probe=PROBE, work=work, on_launch=answer, uid=status.st_uid if owned else 4711, gid=status.st_gid
    )
    PROBE.observe(session)
    return session


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({}, Outcome.HOLDS, "the same in the full image"),
        ({"full": "answer 42"}, Outcome.FAILS, "the full image does not give the same result"),
        ({"full": ""}, Outcome.FAILS, "the full image does not give the same result"),
        ({"traced": False}, Outcome.FAILS, "first: gdb did not stop at the line"),
        ({"owned": False}, Outcome.FAILS, "not to the user"),
    ],
)
def test_each_step_that_breaks_is_named(
    tmp_path: Path, changes: dict[str, object], outcome: Outcome, words: str
) -> None:
    judgement = PROBE.judge(flow(tmp_path, **changes).observations, {})  # type: ignore[arg-type]
    assert judgement.outcome is outcome
    assert words in judgement.message


def test_without_the_full_image_it_is_unavailable_with_what_to_do(tmp_path: Path) -> None:
    session = FakeSession(probe=PROBE, work=tmp_path, on_launch=lambda _: HAS, images={"med": ""})
    PROBE.observe(session)
    judgement = PROBE.judge(session.observations, {})
    assert judgement.outcome is Outcome.UNAVAILABLE
    assert "evaluation image build med" in judgement.message


@pytest.fixture
def in_dev(bench: Bench, found: dict[str, FoundRuntime], arm_of: ArmOf) -> Callable[[str], Arm]:
    """Arms that run the dev image and know the med one, where both are built: that takes minutes."""
    for name in ("dev", "med"):
        if not kept_image(load_recipe(IMAGES, name), name, bench.launcher.user.cache):
            pytest.skip(f"the image {name} is not built: evaluation image build {name}")

    def arm(runtime: str) -> Arm:
        usual = arm_of(runtime)  # skips where the runtime is not here
        dev, med = (
            convert(
                built_image(name, IMAGES, bench.launcher),
                found[runtime].runtime,
                runner(bench.launcher),
                str(bench.payload),
            )
            for name in ("dev", "med")
        )
        return replace(usual, reference=dev.reference, image_digest=dev.digest, others={"med": med.reference})

    return arm


@pytest.mark.real
def test_in_docker_it_takes_the_user_s_own_id(bench: Bench, in_dev: ArmOf) -> None:
    user = bench.launcher.user
    plain = verdicts(bench, in_dev, PROBE, ["docker"])["docker"]
    assert plain.outcome is Outcome.FAILS
    assert plain.message.split("(")[1].startswith("the program belongs to 0:0, not to the user")
    own = verdicts(bench, in_dev, PROBE, ["docker"], docker=("--user", f"{user.uid}:{user.gid}"))["docker"]
    assert own.outcome is Outcome.HOLDS
