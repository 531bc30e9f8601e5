"""From a built image to its line in the ledger, its bill of materials, and what differs between two."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from evaluation.errors import EvaluationError
from evaluation.images.bom import bill_of_materials
from evaluation.images.build import BuiltImage
from evaluation.images.recipe import load_recipe
from evaluation.images.recording import file_differences, files_of, package_differences, record
from evaluation.ledger import Build, Package, add, ledgers, read_ledger
from evaluation.model import Completed
from evaluation.testing import ended

IMAGES = Path(__file__).parents[2] / "images"
APT = b"""Package: gdb
Version: 13.1-3
Architecture: amd64
SHA256: %s

Package: gdb
Version: 12
Architecture: amd64
SHA256: %s
""" % (b"a" * 64, b"b" * 64)


def image(folder: Path, name: str, files: dict[str, str], *, under: BuiltImage | None = None) -> BuiltImage:
    """A built image of a few files, with its own layer beside it where it lies on another."""
    folder.mkdir()
    with tarfile.open(folder / "image.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for path, text in files.items():
            item = tarfile.TarInfo(f"./{path}")
            item.size = len(text)
            tar.addfile(item, io.BytesIO(text.encode()))
    if under:
        (folder / "own.tar").write_bytes(b"x" * 1000)
    (folder / "built.json").write_text("{}")
    return BuiltImage(
        name=name, recipe_sha256="1" * 64, tar_sha256="2" * 64, tar_bytes=10, build_s=1.0,
        packages=("gdb=13.1-3", "unknown=1"), builder=("umoci=0.4",), folder=str(folder),
        under=under.layers if under else (), own_sha256="3" * 64 if under else "",
    )  # fmt: skip


def apt(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
    assert argv[:2] == ("apt-cache", "show")
    assert (stdin, timeout_s) == (b"", 120.0)
    return ended(APT)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    below = image(tmp_path / "small", "small", {"a": "x"})
    top = image(tmp_path / "debug", "small-debug", {"a": "x", "b": "y"}, under=below)
    return record(load_recipe(IMAGES, "small-debug"), top, apt, below=(below,))


def test_a_build_says_what_was_measured(build: Build) -> None:
    assert build.parent is not None
    assert (build.parent.image, build.parent.shared, build.flavour) == ("small", True, "debug")
    assert build.packages[0] == Package(
        kind="deb", name="gdb", version="13.1-3", architecture="amd64", sha256="a" * 64
    )
    assert build.packages[1].sha256 == "", "what apt does not know is not made up"
    assert build.digest == "", "no form was made"
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    squeezed = len(packer.compress(b"x" * 1000) + packer.flush())
    assert build.layers[-1].gzip_bytes == squeezed
    assert (build.layers[-1].size_bytes, build.layers[-1].of) == (1000, "small-debug")
    assert build.pull_on_parent_bytes == squeezed
    assert build.pull_bytes == squeezed + build.layers[0].gzip_bytes
    assert [layer.sha256[0] for layer in build.layers] == ["2", "3"]


def test_the_ledger_gives_back_what_was_added(tmp_path: Path, build: Build) -> None:
    (tmp_path / "small-debug").mkdir()
    add(tmp_path, build)
    add(tmp_path, build.model_copy(update={"why": "drift"}))
    assert [row.why for row in read_ledger(tmp_path, "small-debug")] == ["build", "drift"]
    assert read_ledger(tmp_path, "small") == ()
    assert list(ledgers(tmp_path)) == ["small-debug"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tar_sha256": "short"}, "tar_sha256"),
        ({"surprise": 1}, "surprise"),
        ({"image": "small"}, "in the ledger of"),
        ({"why": "guess"}, "why"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, build: Build, change: dict[str, object], said: str) -> None:
    (tmp_path / "small-debug").mkdir()
    add(tmp_path, build)
    path = tmp_path / "small-debug" / "ledger.jsonl"
    path.write_text(path.read_text() + json.dumps(build.model_dump(mode="json") | change) + "\n")
    with pytest.raises(EvaluationError, match=said) as told:
        read_ledger(tmp_path, "small-debug")
    assert str(told.value.where).endswith("ledger.jsonl:2")


def test_the_committed_ledgers_can_be_read_and_agree() -> None:
    found = ledgers(IMAGES)
    assert {"xs", "small", "small-debug", "med"} <= set(found)
    debug, small = found["small-debug"][-1], found["small"][-1]
    assert debug.layers[0] == small.layers[0], "the debug image lies on the small image's very layer"
    assert debug.pull_on_parent_bytes < debug.pull_bytes
    for name, rows in found.items():
        assert {row.tar_sha256 for row in rows} == {rows[0].tar_sha256}, f"{name} drifted"
        assert rows[-1].recipe_sha256 == load_recipe(IMAGES, name).sha256, f"{name} is out of date"


def test_what_differs_is_named_by_package_and_by_file(tmp_path: Path) -> None:
    def deb(name: str, version: str) -> Package:
        return Package(kind="deb", name=name, version=version)

    found = package_differences(
        (deb("kept", "1"), deb("gone", "1"), deb("moved", "1")),
        (deb("kept", "1"), deb("moved", "2"), deb("new", "3")),
    )
    assert (found.added, found.removed, found.changed) == (("new 3",), ("gone 1",), ("moved 1 -> 2",))
    assert not package_differences((deb("a", "1"),), (deb("a", "1"),))
    old = files_of(image(tmp_path / "a", "a", {"kept": "1", "gone": "2", "moved": "3"}))
    new = files_of(image(tmp_path / "b", "b", {"kept": "1", "moved": "4", "new": "5"}))
    files = file_differences(old, new)
    assert [name.split()[0] for name in (*files.added, *files.removed, *files.changed)] == [
        "/new", "/gone", "/moved",
    ]  # fmt: skip
    assert "files added: 1\n    /new 1" in files.as_text("files")
    assert file_differences(old, old).as_text("files") == "files: the same"


def test_the_bill_of_materials_is_valid_and_always_the_same(build: Build) -> None:
    wheel = Package(kind="pypi", name="Awkward_cpp", version="57", sha256="c" * 64)
    build = build.model_copy(update={"packages": (*build.packages, wheel)})
    text = bill_of_materials(build, 1_793_491_200)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == bill_of_materials(build, 1_793_491_200)
    told = json.loads(text)
    assert told["metadata"]["timestamp"] == "2026-11-01T00:00:00+00:00"
    assert told["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": build.tar_sha256}]
    purls = {item["name"]: item["purl"] for item in told["components"]}
    assert purls["gdb"] == "pkg:deb/debian/gdb@13.1-3?arch=amd64&distro=bookworm"
    assert purls["Awkward_cpp"] == "pkg:pypi/awkward-cpp@57"
    hashes = {item["name"]: item.get("hashes") for item in told["components"]}
    assert hashes["gdb"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert hashes["unknown"] is None
    other = bill_of_materials(build.model_copy(update={"tar_sha256": "d" * 64}), 1_793_491_200)
    assert json.loads(other)["serialNumber"] != told["serialNumber"]


def test_the_schema_refuses_what_is_no_bill(build: Build) -> None:
    broken = json.loads(bill_of_materials(build, 1)) | {"components": [{"name": "nothing else"}]}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_a_build_of_nothing_but_one_layer(tmp_path: Path) -> None:
    alone = record(load_recipe(IMAGES, "small"), image(tmp_path / "s", "small", {"a": "x"}), apt)
    assert alone.parent is None
    assert alone.pull_bytes == alone.pull_on_parent_bytes
    assert replace(image(tmp_path / "t", "small", {}), own_sha256="4" * 64).layers == ("4" * 64,)
