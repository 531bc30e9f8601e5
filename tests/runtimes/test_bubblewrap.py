from dataclasses import replace

import pytest
from tasks import ARCHIVES, BARE, FULL, PINNED, of

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

BUBBLEWRAP = known_runtimes()["bubblewrap"]
OWN = (
    "bwrap", "--unshare-user", "--unshare-pid", "--die-with-parent", "--ro-bind", "image:1", "/",
    "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108 - inside
    "--ro-bind", "/sys", "/sys",
)  # fmt: skip


def test_bare_task() -> None:
    assert BUBBLEWRAP.argv(BARE) == (*OWN, "--", "program", "--flag", "two words")


def test_full_task() -> None:
    assert BUBBLEWRAP.using(options=("--unshare-net",)).argv(FULL) == (
        *OWN, "--unshare-net", "--ro-bind", "/data/in", "/payload", "--bind", "/data/out", "/work",
        "--setenv", "PLAIN", "1", "--setenv", "SPACED", "two words=2", "--chdir", "/work", "--", "program",
    )  # fmt: skip


def test_what_it_would_misread_or_cannot_do_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="is no image"):
        BUBBLEWRAP.argv(of("--dev-bind"))
    with pytest.raises(RuntimeRefusalError, match="image itself"):
        BUBBLEWRAP.argv(replace(BARE, writable=True))


def test_its_children_inherit_the_clients_processors() -> None:
    assert BUBBLEWRAP.argv(PINNED)[:3] == ("taskset", "-c", "0-1")


def test_version() -> None:
    assert BUBBLEWRAP.version_argv() == ("bwrap", "--version")
    assert BUBBLEWRAP.parse_version("bubblewrap 0.8.0\n") == "0.8.0"


@pytest.mark.parametrize(
    ("status", "stderr", "own"),
    [
        (1, "bwrap: execvp none: No such file or directory\n", True),
        (1, "error: the program's own\n", False),
        (2, "bwrap: said by a program\n", False),
    ],
)
def test_own_failure_is_told_from_the_programs(status: int, stderr: str, own: bool) -> None:  # noqa: FBT001
    assert BUBBLEWRAP.own_failure(status, stderr) == (stderr.strip() if own else None)


def test_prepare_unpacks_a_tree() -> None:
    preparation = BUBBLEWRAP.prepare(ARCHIVES, "/store")
    assert preparation.reference == preparation.path == "/store/bubblewrap"
    assert [step[0] for step in preparation.steps] == ["mkdir", "tar"]
