from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from supplied import judged

from evaluation.measure.session import Arm, Bench
from evaluation.model import Outcome
from evaluation.probes.base import Completed, Judgement
from evaluation.probes.canaryimage import CanaryImage, said
from evaluation.probes.registry import find
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.testing import FakeSession, Recorded, TakesTurns, answered, ended, judge


@pytest.mark.parametrize(
    ("own", "outcome", "verdict"),
    [
        ({"effect": False, "control": True, "detail": "refused"}, Outcome.HOLDS, "DENIED"),
        ({"effect": True, "control": True, "detail": "ran"}, Outcome.FAILS, "EXPOSED"),
        ({"effect": False}, Outcome.INERT, "INERT"),
        ({"problem": "the intact image did not start here"}, Outcome.ERROR, "ERROR"),
        ({"problem": "it broke"}, Outcome.ERROR, "ERROR"),
        ({}, Outcome.ERROR, "ERROR"),
    ],
)
def test_the_table(own: Recorded, outcome: Outcome, verdict: str) -> None:
    judgement = judge("B12", own)
    assert (judgement.outcome, judgement.verdict) == (outcome, verdict)


def test_where_the_site_makes_all_images_nothing_is_said_of_naming_one(tmp_path: Path) -> None:
    probe = find("B12")
    shifter = known_runtimes()["shifter"]
    session = FakeSession(probe=probe, work=tmp_path, on_launch=Engine(checks=True), adapter=shifter)
    with pytest.raises(RuntimeRefusalError, match="no user can bring it an image") as told:
        probe.observe(session)
    assert "images:" not in str(told.value)


class Engine:
    """A made-up engine: it loads archives, checking them or not, and runs what it loaded last."""

    def __init__(self, *, checks: bool, runs: bool = True) -> None:
        self.checks, self.runs = checks, runs
        self.word = ""
        self.removed: list[str] = []

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if "load" in argv:
            with tarfile.open(argv[-1]) as archive:
                layer = archive.extractfile("layer.tar")
                assert layer is not None
                with tarfile.open(fileobj=io.BytesIO(layer.read())) as tar:
                    mark = tar.extractfile("./srv/mark")
                    assert mark is not None
                    word = mark.read(32).decode()
            if self.checks and not self.word:  # the first one is the changed one
                self.word = "something"
                return ended(exit_status=1, stderr=b"invalid diffID for layer 0\nand more\n")
            self.word = word
        if "rm" in argv:
            self.removed.append(argv[-1])
        if "read" in argv:
            return answered({"what": "read", "text": f"{self.word}\n"}) if self.runs else ended(exit_status=1)
        return ended()


@pytest.mark.parametrize(("checks", "verdict"), [(True, "DENIED"), (False, "EXPOSED")])
def test_only_the_word_that_the_container_reads_counts(tmp_path: Path, checks: bool, verdict: str) -> None:  # noqa: FBT001 - a table
    engine = Engine(checks=checks)
    probe = find("B12")
    session = FakeSession(probe=probe, work=tmp_path, on_launch=engine, adapter=known_runtimes()["docker"])
    probe.observe(session)
    judgement = probe.judge(session.observations, {})
    assert judgement.verdict == verdict
    assert ("invalid diffID for layer 0" in judgement.message) is checks
    assert len(engine.removed) == 2  # both, whatever came of them
    assert len(set(engine.removed)) == 2


def test_where_nothing_starts_nothing_is_shown(tmp_path: Path) -> None:
    probe = find("B12")
    session = FakeSession(
        probe=probe,
        work=tmp_path,
        on_launch=Engine(checks=True, runs=False),
        adapter=known_runtimes()["docker"],
    )
    probe.observe(session)
    assert probe.judge(session.observations, {}).verdict == "ERROR"


def test_a_changed_image_still_states_the_digest_of_the_intact_one(tmp_path: Path) -> None:
    image = CanaryImage()
    archives = [image.archives(tmp_path, changed=changed).docker for changed in (False, True)]
    assert archives[0] == archives[1]
    with tarfile.open(archives[1]) as archive:
        (manifest,) = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        config = json.loads(archive.extractfile(manifest["Config"]).read())  # type: ignore[union-attr]
        layer = archive.extractfile("layer.tar").read()  # type: ignore[union-attr]
    assert layer == image.layer(changed=True)
    assert layer != image.layer()
    assert len(layer) == len(image.layer())
    assert config == json.loads(image.config)
    assert CanaryImage().layer() != image.layer()  # no store has it


def test_what_a_command_said_is_its_last_line_or_the_one_about_it() -> None:
    done = ended(exit_status=1, stderr=b"tried a\nDigest did not match\ntried b\n\n")
    assert said(done) == "tried b"
    assert said(done, "digest") == "Digest did not match"
    assert said(ended()) == said(None) == "it said nothing"


def test_a_plain_process_runs_what_was_changed(take_turn: TakesTurns) -> None:
    judgement = find("B12").judge(take_turn("B12"), {})
    assert judgement.verdict == "EXPOSED"
    assert judgement.message.endswith("(a changed archive was taken, and ran; a changed directory ran)")


@pytest.mark.real
@pytest.mark.parametrize(
    ("runtime", "verdict"),
    [
        ("docker", "DENIED"),
        ("podman", "DENIED"),
        ("apptainer", "EXPOSED"),
        ("apptainer-sandbox", "EXPOSED"),
        ("charliecloud", "EXPOSED"),
    ],
)
def test_engines_check_digests_and_files_are_run_as_they_are(
    arm_of: object, bench: Bench, runtime: str, verdict: str
) -> None:
    arm: Arm = arm_of(runtime)  # type: ignore[operator]
    judgement = judged("B12", arm, bench)
    assert isinstance(judgement, Judgement)
    assert judgement.verdict == verdict, judgement.message
