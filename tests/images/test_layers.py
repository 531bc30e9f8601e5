"""One tree as a layer over another: laid on it, it gives the other tree, and nothing more is in it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from evaluation.images.layers import WHITEOUT, difference, members

Tree = dict[str, tuple[bytes, int, str]]
"""By path: type, mode, and content or link target."""

FILE, LINK, SYMBOLIC, FOLDER = tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE


def packed(tree: Tree) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, (kind, mode, text) in tree.items():
            item = tarfile.TarInfo(f"./{name}")
            item.type, item.mode, item.mtime = kind, mode, 1
            if kind in {LINK, SYMBOLIC}:
                item.linkname = f"./{text}" if kind == LINK else text
            data = text.encode() if kind == FILE else b""
            item.size = len(data)
            tar.addfile(item, io.BytesIO(data))
    stream.seek(0)
    return stream


def laid_on(old: Tree, layer: Path) -> dict[str, object]:
    """Do what a store of layers does, by the image specification, and read the tree that comes of it."""
    tree = dict(members(packed(old)))
    with layer.open("rb") as stream:
        on_top = members(stream)
    for name, item in on_top.items():
        folder, _, last = name.rpartition("/")
        if last.startswith(WHITEOUT):
            gone = "/".join(filter(None, (folder, last.removeprefix(WHITEOUT))))
            tree = {key: kept for key, kept in tree.items() if key != gone and not key.startswith(f"{gone}/")}
        else:
            if item.kind != "directory":
                tree = {key: kept for key, kept in tree.items() if not key.startswith(f"{name}/")}
            tree[name] = item
    return dict(tree)


BASE: Tree = {
    "etc": (FOLDER, 0o755, ""),
    "etc/kept": (FILE, 0o644, "same"),
    "etc/changed": (FILE, 0o644, "before"),
    "etc/mode": (FILE, 0o644, "same"),
    "gone": (FOLDER, 0o755, ""),
    "gone/inner": (FILE, 0o644, "x"),
    "lib": (FOLDER, 0o755, ""),
    "lib/link": (SYMBOLIC, 0o777, "a"),
    "lib/lost": (FILE, 0o644, "y"),
    "lib/turned": (FOLDER, 0o755, ""),
    "lib/turned/below": (FILE, 0o644, "z"),
    "top": (FILE, 0o644, "t"),
}
NEXT: Tree = {
    "etc": (FOLDER, 0o700, ""),
    "etc/kept": (FILE, 0o644, "same"),
    "etc/changed": (FILE, 0o644, "after"),
    "etc/mode": (FILE, 0o755, "same"),
    "lib": (FOLDER, 0o755, ""),
    "lib/again": (LINK, 0o644, "etc/kept"),
    "lib/link": (SYMBOLIC, 0o777, "b"),
    "lib/turned": (FILE, 0o644, "a file now"),
    "new": (FOLDER, 0o750, ""),
    "new/file": (FILE, 0o600, "n"),
    "new/twin": (LINK, 0o600, "new/file"),
}


@pytest.mark.parametrize(("old", "new"), [(BASE, NEXT), (NEXT, BASE), (BASE, {}), ({}, BASE), (BASE, BASE)])
def test_the_layer_makes_the_other_tree(tmp_path: Path, old: Tree, new: Tree) -> None:
    difference(packed(old), packed(new), tmp_path / "layer.tar")
    assert laid_on(old, tmp_path / "layer.tar") == dict(members(packed(new)))


def names(layer: Path) -> list[str]:
    with tarfile.open(layer) as tar:
        return [item.name.removeprefix("./") for item in tar]


def test_nothing_that_stayed_is_in_it_but_the_directories_above(tmp_path: Path) -> None:
    difference(packed(BASE), packed(NEXT), tmp_path / "layer.tar")
    found = names(tmp_path / "layer.tar")
    assert "etc/kept" not in found
    assert {"etc", "lib", "lib/.wh.lost", ".wh.gone", ".wh.top"} <= set(found)
    assert "gone/.wh.inner" not in found
    difference(packed(BASE), packed(BASE), tmp_path / "none.tar")
    assert names(tmp_path / "none.tar") == []


def test_a_hard_link_into_the_image_below_is_a_file_in_the_layer(tmp_path: Path) -> None:
    # Stores unpack a layer by itself: a link to what is not in it leads nowhere.
    difference(packed(BASE), packed(NEXT), tmp_path / "layer.tar")
    with tarfile.open(tmp_path / "layer.tar") as tar:
        again, twin = tar.getmember("./lib/again"), tar.getmember("./new/twin")
        assert again.isreg()
        assert (tar.extractfile(again) or io.BytesIO()).read() == b"same"
        assert twin.islnk()


def test_two_layers_of_the_same_trees_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        difference(packed(BASE), packed(NEXT), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
