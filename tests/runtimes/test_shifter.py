"""Shifter cannot be installed from any registry: here its adapter is held to a contract, not to the thing.

The messages were recorded from real runs of its setuid build, git 84b7d34, and read in its source. Nothing
here runs Shifter. Wherever a real ``shifter`` is on PATH, the conformance list is run against that.
"""

from dataclasses import replace

import pytest
from tasks import ARCHIVES, BARE, PINNED, bound, of, setting

from evaluation.model import Bind, Form, Task
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.runtimes.shifter import configuration_path, read_settings

SHIFTER = known_runtimes()["shifter"]
LOCAL = known_runtimes()["shifter-local"]
IMAGE = "local:/images/small"
TMP = "/tmp"  # noqa: S108 - a volume's target
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
     "/opt/udiImage", "/opt/udiImage/bin", f"{VAR_TMP}/job", TMP, f"{TMP}/job",
     "/work/../etc", "/..", "work", "./work", "/./etc", "//etc", "/"],
)  # fmt: skip
def test_a_volume_target_that_shifter_refuses_is_refused_before(target: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="refuses the volume target"):
        SHIFTER.argv(bound("/data", target, image=IMAGE))


@pytest.mark.parametrize("target", ["/work", "/opt/app", VAR_TMP, "/mnt", "/work/"])
def test_other_volume_targets_are_taken(target: str) -> None:
    assert f"--volume=/data:{target}" in SHIFTER.argv(bound("/data", target, image=IMAGE))


def test_a_relative_volume_source_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="absolute"):
        SHIFTER.argv(bound("data", image=IMAGE))


@pytest.mark.parametrize("source", ["/srv", "/srv/data", "/opt", "/opt/software/x"])
def test_a_volume_source_that_the_image_has_itself_is_refused(source: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="looked up in the image"):
        SHIFTER.argv(bound(source, image=IMAGE))
    assert SHIFTER.argv(bound("/service", image=IMAGE))


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
        ("FAILED to lookup custom image", "no such image file"),
        ("FAILED to setup image.", "could not be set up"),
        ("FAILED to mount image on loop device.", "could not be mounted"),
        ('FAILED "from" location', "does not permit a volume from there"),
        ('FAILED to create volume "to"', "cannot be made"),
        ("BIND MOUNT FAILED", "could not be mounted"),
        ("FAILED to parse udiRoot configuration.", "cannot be read"),
        ("local chroot path requested, but this is disallowed", "does not permit directories"),
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


def test_its_reason_is_the_first_that_it_tells() -> None:
    said = "FAILED to find real path for volume /a\nFAILED to setup image.\n"
    assert "not visible" in (SHIFTER.own_failure(1, said) or "")


def test_prepare_unpacks_a_directory_for_the_local_type() -> None:
    preparation = LOCAL.prepare(ARCHIVES, "/store")
    assert preparation.reference == "local:/store/shifter-local"
    assert preparation.path == "/store/shifter-local"
    assert preparation.steps[0] == ("mkdir", "/store/shifter-local")
    assert preparation.steps[1][0] == "tar"
    assert LOCAL.argv(of(preparation.reference))[1] == "--image=local:/store/shifter-local"
    assert LOCAL.form is Form.DIRECTORY


def test_a_gateways_image_is_the_sites_and_is_made_by_no_user() -> None:
    with pytest.raises(RuntimeRefusalError, match="the site's file names none for 'small'"):
        SHIFTER.prepare(ARCHIVES, "/store")
    named = replace(SHIFTER, images=(("small", "id:00ff"),), settings=(("imagePath", "/images"),))
    preparation = named.prepare(ARCHIVES, "/store")
    assert (preparation.reference, preparation.steps, preparation.path) == ("id:00ff", (), "")
    assert preparation.sizes == (("stat", "--dereference", "--format=%s", "/images/00ff.squashfs"),)
    assert named.form is Form.SHIFTER


def test_an_image_by_its_gateways_name_has_a_size_once_its_id_is_known() -> None:
    named = replace(SHIFTER, images=(("small", "docker:a/small:1"),), settings=(("imagePath", "/images"),))
    assert named.prepare(ARCHIVES, "/store").sizes == (("true",),)
    known = replace(named, settings=(*named.settings, ("docker:a/small:1", "0a1b")))
    assert known.prepare(ARCHIVES, "/store").sizes[0][-1] == "/images/0a1b.squashfs"


def test_where_the_configuration_lies_is_compiled_in() -> None:
    program = b"\x7fELF\0\0...\0/opt/udiRoot/etc/udiRoot.conf\0udiRoot.conf must be owned by user root!\0"
    assert configuration_path(program) == "/opt/udiRoot/etc/udiRoot.conf"
    assert not configuration_path(b"nothing of the kind")


def test_the_configuration_is_read_as_shifter_reads_it() -> None:
    text = """
# siteFs=/commented:/out
imagePath = /images
siteFs=/home:/home;\\
    /scratch:/scratch
populateEtcDynamically=0
populateEtcDynamically = 1
unheardOf=1
"""
    assert read_settings(text) == {
        "imagePath": "/images",
        "siteFs": "/home:/home;/scratch:/scratch",
        "populateEtcDynamically": "1",
    }


def test_it_has_no_engine_and_leaves_nothing() -> None:
    assert not SHIFTER.has_engine
    assert not SHIFTER.cleanup(BARE)
    assert not SHIFTER.adaptations()
    assert not SHIFTER.listing()


def test_its_children_inherit_the_clients_processors() -> None:
    assert SHIFTER.argv(replace(PINNED, image=IMAGE)) == (
        "taskset", "-c", "0-1", "shifter", f"--image={IMAGE}", "--", "program",
    )  # fmt: skip
