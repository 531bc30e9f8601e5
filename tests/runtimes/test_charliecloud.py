import pytest
from tasks import ARCHIVES, BARE, PINNED, bound, of, setting

from evaluation.model import Bind, Task
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

CHARLIECLOUD = known_runtimes()["charliecloud"]
MOUNTED = known_runtimes()["charliecloud-squashfs"]


def test_bare_task() -> None:
    assert CHARLIECLOUD.argv(BARE) == ("ch-run", "image:1", "--", "program", "--flag", "two words")


def test_full_task() -> None:
    task = Task(
        image="/images/small",
        argv=("program",),
        binds=(Bind(source="/data/out", target="/work"),),
        env=(("PLAIN", "1"), ("SPACED", "two words=2")),
        workdir="/work",
        name="job-1",
        stdin=True,
    )
    assert CHARLIECLOUD.using(options=("--write",)).argv(task) == (
        "ch-run", "--write", "--bind", "/data/out:/work", "--env-no-expand", "--set-env=PLAIN=1",
        "--set-env=SPACED=two words=2", "--cd=/work", "/images/small", "--", "program",
    )  # fmt: skip


def test_a_read_only_bind_is_refused_and_told_beforehand() -> None:
    assert not CHARLIECLOUD.read_only_binds
    with pytest.raises(RuntimeRefusalError, match="no read-only bind") as refusal:
        CHARLIECLOUD.argv(bound("/data", read_only=True))
    assert refusal.value.advice


def test_a_colon_in_a_path_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="colon"):
        CHARLIECLOUD.argv(bound("/a:/etc"))
    with pytest.raises(RuntimeRefusalError, match="colon"):
        CHARLIECLOUD.argv(bound("/a", "/b:c"))


@pytest.mark.parametrize(
    ("value", "word"),
    [("'single'", "--set-env=NAME=''single''"), ("''", "--set-env=NAME=''''"), ("'", "--set-env=NAME='")],
)
def test_single_quotes_are_quoted_because_a_pair_is_taken_off(value: str, word: str) -> None:
    assert word in CHARLIECLOUD.argv(setting(value))


@pytest.mark.parametrize("image", ["", "--unset-env=*"])
def test_an_image_that_would_be_read_as_an_option_is_refused(image: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="is no image"):
        CHARLIECLOUD.argv(of(image))


def test_version() -> None:
    assert CHARLIECLOUD.version_argv() == ("ch-run", "--version")
    assert CHARLIECLOUD.parse_version("0.31\n") == "0.31"


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (
            1,
            "ch-run[7]: error: can't stat: /none: No such file or directory (ch_core.c:255 2)\n",
            "ch-run[7]: error: can't stat: /none: No such file or directory (ch_core.c:255 2)",
        ),
        (1, "error: the program's own word\n", None),
        (1, "ch-run[7]: warning: something else\n", None),
        (0, "ch-run[7]: error: it was said, and it went on\n", None),
    ],
)
def test_own_failure_is_told_from_the_programs(status: int, stderr: str, said: str | None) -> None:
    assert CHARLIECLOUD.own_failure(status, stderr) == said


def test_prepare_unpacks_with_its_own_converter() -> None:
    preparation = CHARLIECLOUD.prepare(ARCHIVES, "/store")
    assert preparation.reference == preparation.path == "/store/charliecloud"
    assert preparation.steps == (
        ("ch-convert", "-i", "tar", "-o", "dir", "/cache/image.tar", "/store/charliecloud"),
    )


def test_an_image_file_is_packed_by_its_own_converter_and_run_as_a_tree_is() -> None:
    preparation = MOUNTED.prepare(ARCHIVES, "/store")
    file = "/store/charliecloud-squashfs.sqfs"
    assert preparation.reference == preparation.path == file
    assert preparation.steps == (("ch-convert", "-i", "tar", "-o", "squash", "/cache/image.tar", file),)
    assert MOUNTED.argv(of(file)) == ("ch-run", file, "--", "program")
    assert MOUNTED.device == "/dev/fuse"


def test_it_has_no_engine_and_leaves_nothing() -> None:
    assert not CHARLIECLOUD.has_engine
    assert not CHARLIECLOUD.cleanup(BARE)
    assert not CHARLIECLOUD.adaptations()
    assert not CHARLIECLOUD.listing()


def test_its_children_inherit_the_clients_processors() -> None:
    assert CHARLIECLOUD.argv(PINNED) == (
        "taskset", "-c", "0-1", "ch-run", "image:1", "--", "program",
    )  # fmt: skip
