import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.process import require_space
from evaluation.images.recipe import PYTHON_PACKAGES, Wheel
from evaluation.images.wheels import download, fetch_wheels, pack_wheels
from evaluation.model import Completed
from evaluation.testing import ended

WHEEL = Wheel(name="made_up", version="1.0", sha256="0" * 64)
INSIDE = (
    "made_up/__init__.py",
    "made_up-1.0.data/data/share/table.txt",
    "made_up-1.0.data/platlib/made_up/native.so",
    "made_up-1.0.data/scripts/made-up",
    "made_up-1.0.data/headers/made_up.h",
)


def test_files_go_where_the_images_python_finds_them(tmp_path: Path) -> None:
    wheel = tmp_path / "made_up-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in INSIDE:
            archive.writestr(name, name)
    pack_wheels([wheel], tmp_path / "tree.tar")
    with tarfile.open(tmp_path / "tree.tar") as tar:
        assert [f"/{name}" for name in tar.getnames()] == [
            f"{PYTHON_PACKAGES}/made_up/__init__.py",
            "/usr/local/share/table.txt",
            f"{PYTHON_PACKAGES}/made_up/native.so",
        ]


def test_pip_is_asked_for_pinned_wheels_and_nothing_else(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def pip(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:  # noqa: ARG001 - as Run has it
        asked.append(argv)
        (tmp_path / "made_up-1.0-py3-none-any.whl").touch()
        return ended()

    assert len(fetch_wheels([WHEEL], tmp_path, pip)) == 1
    assert {"--require-hashes", "--no-deps", "--only-binary", "manylinux2014_x86_64"} <= set(asked[0])
    assert (tmp_path / "wheels.txt").read_text() == f"made_up==1.0 --hash=sha256:{'0' * 64}\n"
    download(["made_up==1.0"], tmp_path, pip, "aarch64")
    assert "manylinux2014_aarch64" in asked[1]
    assert not [word for word in asked[1] if "x86_64" in word]


def test_a_wheel_that_did_not_come_is_told(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="1 wheels were asked for and 0 came"):
        fetch_wheels([WHEEL], tmp_path, lambda *_: ended())


def test_a_full_disk_is_told_before_anything_is_built() -> None:
    def df(*_: object) -> Completed:
        return ended(b"     Avail\n1000000000\n")

    require_space(df, "/cache", 900_000_000, "building the image med")
    with pytest.raises(EvaluationError, match=r"image med takes about 1\.2 GB, and 1\.0 GB are free"):
        require_space(df, "/cache", 1_200_000_000, "building the image med")
