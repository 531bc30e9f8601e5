"""Sarus to its contract; nobody has run it with this adapter."""

import pytest
from tasks import ARCHIVES, BARE, FULL, PINNED, bound, of

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

SARUS = known_runtimes()["sarus"]


def test_bare_task() -> None:
    assert SARUS.argv(BARE) == ("sarus", "run", "image:1", "program", "--flag", "two words")
    assert SARUS.argv(PINNED)[:3] == ("taskset", "-c", "0-1")


def test_full_task() -> None:
    assert SARUS.using(options=("--ssh",)).argv(FULL) == (
        "sarus", "run", "--ssh",
        "--mount=type=bind,source=/data/in,destination=/payload,readonly",
        "--mount=type=bind,source=/data/out,destination=/work",
        "--env=PLAIN=1", "--env=SPACED=two words=2", "--workdir=/work", "image:1", "program",
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/a,b", "/a=b", "relative"])
def test_a_path_that_its_mount_would_misread_is_refused(path: str) -> None:
    for source, target in ((path, "/work"), ("/data", path)):
        with pytest.raises(RuntimeRefusalError, match="comma") as told:
            SARUS.argv(bound(source, target))
        assert told.value.advice


def test_an_image_that_would_be_read_as_an_option_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="is no image"):
        SARUS.argv(of("--tty"))


def test_what_is_loaded_has_the_server_load_before_its_name() -> None:
    preparation = SARUS.prepare(ARCHIVES, "/store")
    assert preparation.reference == "load/evaluation/small:1"
    assert preparation.steps == (("sarus", "load", "/cache/docker.tar", "evaluation/small:1"),)
    assert SARUS.forgetting("evaluation/small:1") == (("sarus", "rmi", "load/evaluation/small:1"),)


def test_its_log_is_told_from_the_programs_words() -> None:
    said = "[1605.880] [node-12] [main] [ERROR] Image load/x is not available\n"
    assert (
        SARUS.own_failure(1, f"[1605.870] [node-12] [main] [WARN] a\n{said}")
        == "Image load/x is not available"
    )
    assert SARUS.own_failure(1, "[ERROR] the program's\n") is None
    assert SARUS.own_failure(0, said) is None
