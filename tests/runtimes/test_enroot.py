"""enroot to its contract; nobody has run it with this adapter."""

from dataclasses import replace

import pytest
from tasks import ARCHIVES, BARE, FULL, PINNED, bound, of, setting

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

ENROOT = known_runtimes()["enroot"]
IMAGE = "/store/enroot"
START = ("env", "ENROOT_DATA_PATH=/store", "enroot", "start")


def test_bare_task() -> None:
    assert ENROOT.argv(replace(BARE, image=IMAGE)) == (
        *START, "--", "enroot", "program", "--flag", "two words",
    )  # fmt: skip


def test_full_task() -> None:
    assert ENROOT.using(options=("--root",)).argv(replace(FULL, image=IMAGE)) == (
        *START, "--root",
        "--mount", "/data/in:/payload:none:x-create=dir,bind,ro",
        "--mount", "/data/out:/work:none:x-create=dir,bind",
        "--env", "PLAIN=1", "--env", "SPACED=two words=2", "--", "enroot",
        "/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", "/work", "program",
    )  # fmt: skip
    assert ENROOT.argv(replace(PINNED, image=IMAGE))[:3] == ("taskset", "-c", "0-1")


@pytest.mark.parametrize("path", ["/a b", "/a:b", "/$HOME", "/a#b", "/a\\b", "relative"])
def test_a_path_that_its_mount_file_would_change_is_refused(path: str) -> None:
    for source, target in ((path, "/work"), ("/data", path)):
        with pytest.raises(RuntimeRefusalError, match="mount file"):
            ENROOT.argv(bound(source, target, image=IMAGE))


@pytest.mark.parametrize("value", ["two\nlines", '"quoted"', "'quoted' ", "${HOME}"])
def test_a_value_that_its_environment_file_would_change_is_refused(value: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="environment file"):
        ENROOT.argv(setting(value, image=IMAGE))
    assert (
        f"NAME={value[1:]}" in ENROOT.argv(setting(value[1:].replace("\n", ""), image=IMAGE)) or "\n" in value
    )


def test_what_is_no_unpacked_image_is_refused() -> None:
    for image in ("name", "/name", "-x", ""):
        with pytest.raises(RuntimeRefusalError):
            ENROOT.argv(of(image))
    with pytest.raises(RuntimeRefusalError, match="image itself"):
        ENROOT.argv(replace(BARE, image=IMAGE, writable=True))


def test_its_own_image_is_made_and_unpacked_by_it() -> None:
    preparation = ENROOT.prepare(ARCHIVES, "/store")
    assert preparation.reference == preparation.path == IMAGE
    assert [step[0] for step in preparation.steps] == ["rm", "mkdir", "tar", "mksquashfs", "env", "rm"]
    assert preparation.steps[4] == (
        "env", "ENROOT_DATA_PATH=/store", "enroot", "create", "--name", "enroot", "--", "/store/enroot.sqsh",
    )  # fmt: skip


def test_its_own_words_are_told_from_the_programs() -> None:
    assert ENROOT.own_failure(1, "[WARN] a\n[ERROR] No such file or directory: /x\n") == (
        "[ERROR] No such file or directory: /x"
    )
    assert ENROOT.own_failure(1, "enroot-switchroot: failed to execute: /bin/sh: No such file\n")
    assert ENROOT.own_failure(1, "the program's [ERROR] word\n") is None
    assert ENROOT.own_failure(0, "[ERROR] and went on\n") is None
