"""An image's own list of paths, and the first path on which two looks differ."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage
from evaluation.images.contents import CONTENTS, first_difference, place_contents, place_without


@pytest.fixture
def image(tmp_path: Path) -> BuiltImage:
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        for name in ("./usr/b.txt", "./usr/b/deep/file", "./etc", "./usr/\udcff"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    return BuiltImage(
        name="small",
        recipe_sha256="r",
        tar_sha256="t",
        tar_bytes=1,
        build_s=1.0,
        packages=(),
        folder=str(tmp_path),
    )


def test_paths_stand_in_byte_order_with_their_parents(image: BuiltImage, tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.mkdir()
    listed = place_contents(image, payload).read_bytes().splitlines()
    assert listed == [
        b"etc", b"usr", b"usr/b", b"usr/b.txt", b"usr/b/deep", b"usr/b/deep/file", b"usr/\xff"
    ]  # fmt: skip


def test_a_damaged_archive_is_an_error_that_says_what_to_do(image: BuiltImage, tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"x" * 2000)
    with pytest.raises(EvaluationError) as raised:
        place_contents(image, tmp_path)
    assert "image clean small" in str(raised.value)


def test_what_a_runtime_replaces_is_left_out_with_all_below_it(image: BuiltImage, tmp_path: Path) -> None:
    (tmp_path / "payload").mkdir()
    whole = place_contents(image, tmp_path / "payload").read_bytes()
    name = place_without("small", tmp_path / "payload", ("usr/b", "etc/none", "us"))
    path = tmp_path / "payload" / CONTENTS / name
    assert path.read_bytes() == b"etc\nusr\nusr/b.txt\nusr/\xff\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "payload" / CONTENTS / "small").read_bytes() == whole


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ([b"40000 etc", b"100000 etc/a b 644 1 x"], [b"40000 etc", b"100000 etc/a b 644 1 y"], "etc/a b"),
        ([b"120000 lib -> usr/lib"], [b"120000 lib -> elsewhere"], "lib"),
        ([b"40000 etc", b"40000 usr"], [b"40000 usr"], "etc"),
        ([b"40000 etc"], [b"40000 etc", b"40000 usr"], "usr"),
        ([b"40000 etc"], [b"40000 etc"], ""),
    ],
)
def test_the_first_path_that_differs_is_named(one: list[bytes], other: list[bytes], path: str) -> None:
    assert first_difference(one, other) == path
