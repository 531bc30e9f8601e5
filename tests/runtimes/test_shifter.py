"""Shifter cannot be installed from any registry: its adapter is held to a contract, not to the thing.

The messages were recorded from real runs of its setuid build, git 84b7d34. Nothing here runs Shifter.
Wherever a real ``shifter`` is on PATH, the conformance list is run against that.
"""

from dataclasses import replace

import pytest
from tasks import ARCHIVES, BARE, PINNED, bound, of, setting

from evaluation.model import Bind, Task
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

SHIFTER = known_runtimes()["shifter"]
IMAGE = "local:/images/small"
VAR_TMP = "/var/tmp"  # noqa: S108 - a volume's target, the only one below /var


def test_bare_task() -> None:
    assert SHIFTER.argv(of(IMAGE)) == ("shifter", f"--image={IMAGE}", "--", "program")


def test_full_task_uses_the_equals_sign_for_every_option() -> None:
    task = Task(
        image="docker:debian:12",
        argv=("program", "--flag"),
        binds=(
            Bind(source="/data/in", target="/payload", read_only=True),
            Bind(source="/data/out", target="/work"),
        ),
        env=(("PLAIN", "1"), ("SPACED", "two words=2")),
        workdir="/work",
        name="job-1",
        stdin=True,
    )
    assert SHIFTER.using(options=("--module=none",)).argv(task) == (
        "shifter", "--image=docker:debian:12", "--module=none", "--volume=/data/in:/payload:ro",
        "--volume=/data/out:/work", "--env=PLAIN=1", "--env=SPACED=two words=2", "--workdir=/work",
        "--", "program", "--flag",
    )  # fmt: skip


@pytest.mark.parametrize(
    "image",
    ["docker:debian:12", "docker:centre/app@sha256:00ff", "custom:/images/a.squashfs", "id:0123abcd", IMAGE],
)
def test_every_type_of_image_is_taken(image: str) -> None:
    assert SHIFTER.argv(of(image))[1] == f"--image={image}"


@pytest.mark.parametrize(
    "image",
    ["", "debian:12", "oci:debian", "docker:", "docker:a b", "docker:a$b", "docker:a;b", "docker:ä",
     "docker:a\nb", "--help", "local:/images/it's"],
)  # fmt: skip
def test_an_image_name_that_would_lose_characters_is_refused(image: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="is not TYPE:TAG") as refusal:
        SHIFTER.argv(of(image))
    assert refusal.value.where == "shifter"
    assert "docker, custom, id or local" in refusal.value.advice


def test_a_relative_local_image_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="absolute path"):
        SHIFTER.argv(of("local:images/small"))


@pytest.mark.parametrize("path", ["/a b", "/a$b", "/a,b", "/ä", "/a@b", "/a:b", "/a\n", ""])
def test_a_volume_path_that_would_lose_characters_is_refused(path: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="drops in silence"):
        SHIFTER.argv(bound(path, image=IMAGE))
    with pytest.raises(RuntimeRefusalError, match="drops in silence"):
        SHIFTER.argv(bound("/a", path, image=IMAGE))


@pytest.mark.parametrize(
    "target",
    ["/etc", "/etc/passwd", "/etcetera", "/var", "/var/lib", "/variable", f"{VAR_TMP}files", "/opt", "/opt/",
     "/work/../etc", "/..", "work", "./work", "/./etc", "//etc", "/"],
)  # fmt: skip
def test_a_volume_target_that_shifter_refuses_is_refused_before(target: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="refuses the volume target"):
        SHIFTER.argv(bound("/data", target, image=IMAGE))


@pytest.mark.parametrize("target", ["/work", "/opt/app", VAR_TMP, f"{VAR_TMP}/job", "/mnt", "/work/"])
def test_other_volume_targets_are_taken(target: str) -> None:
    assert f"--volume=/data:{target}" in SHIFTER.argv(bound("/data", target, image=IMAGE))


def test_a_relative_volume_source_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="absolute"):
        SHIFTER.argv(bound("data", image=IMAGE))


def test_an_empty_value_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="NAME is empty"):
        SHIFTER.argv(setting("", image=IMAGE))
    assert "--env=NAME= " in SHIFTER.argv(setting(" ", image=IMAGE))


def test_it_tells_no_version() -> None:
    assert not SHIFTER.tells_version
    assert SHIFTER.version_argv() == ("shifter", "--help")
    assert SHIFTER.parse_version("Usage:\nshifter [options] -- command\n") == "version not told by Shifter"
    assert SHIFTER.parse_version("something else\n") == "unknown"


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("FAILED to find requested image.", "not on this system"),
        ("FAILED to lookup docker image", "gateway does not know"),
        ("FAILED to stat udi source.", "cannot be reached"),
        ("FAILED to find real path for volume", "not visible in the container's own view"),
        ("Invalid Volume Map", "refuses this volume"),
        ("udiRoot.conf must be owned by user root!", "not owned by root"),
        ("Not running with root privileges, will fail.", "setuid bit"),
        ("Failed to lookup username or attempted to run as root.", "does not run for root"),
    ],
)
def test_each_message_of_its_own_is_explained(message: str, meaning: str) -> None:
    reason = SHIFTER.own_failure(1, f"a line before\n{message} and more\n")
    assert reason is not None
    assert meaning in reason
    assert message in reason


def test_exit_status_1_alone_proves_nothing() -> None:
    assert SHIFTER.own_failure(1, "") is None
    assert SHIFTER.own_failure(1, "the program's own word\n") is None
    assert SHIFTER.own_failure(0, "FAILED to find requested image.\n") is None


def test_prepare_unpacks_a_directory_for_the_local_type() -> None:
    preparation = SHIFTER.prepare(ARCHIVES, "/store")
    assert preparation.reference == "local:/store/shifter"
    assert preparation.path == "/store/shifter"
    assert preparation.steps[0] == ("mkdir", "/store/shifter")
    assert preparation.steps[1][0] == "tar"
    assert SHIFTER.argv(of(preparation.reference))[1] == "--image=local:/store/shifter"


def test_it_has_no_engine_and_leaves_nothing() -> None:
    assert not SHIFTER.has_engine
    assert not SHIFTER.cleanup(BARE)
    assert not SHIFTER.adaptations()
    assert not SHIFTER.listing()


def test_its_children_inherit_the_clients_processors() -> None:
    assert SHIFTER.argv(replace(PINNED, image=IMAGE)) == (
        "taskset", "-c", "0-1", "shifter", f"--image={IMAGE}", "--", "program",
    )  # fmt: skip
