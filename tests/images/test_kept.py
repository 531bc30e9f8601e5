"""What is kept of images is listed with its size, and removed with nothing else."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.kept import kept, remove
from evaluation.model import Completed
from evaluation.runtimes import known_runtimes
from evaluation.testing import ended

DOCKER = known_runtimes()["docker"]


def really(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout_s, check=False)
    return ended(done.stdout, stderr=done.stderr, exit_status=done.returncode)


def test_nothing_is_kept_where_nothing_was_made(tmp_path: Path) -> None:
    assert kept(tmp_path / "none", [known_runtimes()["host"]], really) == ()


def test_files_are_listed_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "images" / "small-0123"
    (folder / "forms" / "closed").mkdir(parents=True)
    (folder / "forms" / "closed" / "file").write_bytes(b"x" * 100_000)
    (folder / "forms" / "closed").chmod(0o000)
    (tmp_path / "images" / "a file").write_text("not ours")
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "images" / "link").symlink_to(outside)
    (item,) = kept(tmp_path, [], really)
    assert item.where == str(folder)
    assert "small-0123, of another version of this tool, or never finished" in item.what
    assert item.size_bytes is not None
    remove([item], really)
    assert not folder.exists()
    assert outside.exists()
    assert (tmp_path / "images" / "a file").exists()


def test_only_images_of_ours_are_named_to_an_engine(tmp_path: Path) -> None:
    listed = b"""debian:12
container-evaluation/small:0123
registry.example/container-evaluation/small:4567
evil/container-evaluation/small:0
container-evaluation/small:<none>
my-container-evaluation/small:1
<none>:<none>
"""
    called: list[tuple[str, ...]] = []

    def engine(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert (stdin, timeout_s > 0) == (b"", True)
        called.append(tuple(argv))
        if argv[0] == "find":
            return ended(exit_status=1)
        return ended(listed if "ls" in argv else b"1000")

    items = kept(tmp_path / "none", [DOCKER], engine)
    assert [item.what for item in items] == [
        "image container-evaluation/small:0123",
        "image registry.example/container-evaluation/small:4567",
    ]
    called.clear()
    remove(items, engine)
    assert called == [
        ("docker", "image", "rm", "container-evaluation/small:0123"),
        ("docker", "image", "rm", "registry.example/container-evaluation/small:4567"),
    ]


def test_an_engine_that_does_not_answer_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="docker: its images cannot be listed: no daemon"):
        kept(tmp_path, [DOCKER], lambda *_: ended(exit_status=1, stderr=b"no daemon"))


def test_what_cannot_be_removed_says_so(tmp_path: Path) -> None:
    def engine(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert (stdin, timeout_s > 0) == (b"", True)
        if argv[0] == "find":
            return ended(exit_status=1)
        if "rm" in argv:
            return ended(exit_status=1, stderr=b"image is in use")
        return ended(b"container-evaluation/small:0")

    items = kept(tmp_path / "none", [DOCKER], engine)
    with pytest.raises(EvaluationError, match="docker ended with 1: image is in use"):
        remove(items, engine)


@pytest.mark.real
def test_a_real_engine_forgets_our_image_and_keeps_the_others(tmp_path: Path) -> None:
    if not shutil.which("docker") or really(("docker", "version"), b"", 30).evidence.exit_status != 0:
        pytest.skip("needs a docker engine")
    tag = secrets.token_hex(6)
    ours, others = f"container-evaluation/made-up:{tag}", f"made-up/other:{tag}"
    empty = bytes(10240)  # a tar archive of nothing
    try:
        for name in (ours, others):
            assert really(("docker", "import", "-", name), empty, 60).ok
        (item,) = [item for item in kept(tmp_path, [DOCKER], really) if item.what == f"image {ours}"]
        assert item.size_bytes == 0
        remove([item], really)
        assert not really(("docker", "image", "inspect", ours), b"", 60).ok
        assert really(("docker", "image", "inspect", others), b"", 60).ok
    finally:
        for name in (ours, others):
            really(("docker", "image", "rm", name), b"", 60)
