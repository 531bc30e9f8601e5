"""The kit while it is made: whose each file is, and the same bytes for the same files."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from evaluation.kit.tree import MANIFEST, NAME, Part, Tree, pack
from evaluation.kit.verify import SUMS, listed

PROJECT = Part(name="project", version="1", kind="project", licence="Apache-2.0")
DEB = Part(name="libc6", version="2.36", kind="deb", licence="LGPL-2.1", sha256="ab" * 32)


def made(folder: Path) -> Tree:
    tree = Tree(folder)
    tree.add(DEB, "python/lib/libc.so.6", b"library")
    tree.add(PROJECT, "evaluate", b"#!/bin/sh\n", program=True)
    tree.add(PROJECT, "project/a.py", b"pass\n")
    bytecode = folder / "project/__pycache__/a.pyc"
    bytecode.parent.mkdir()
    bytecode.write_bytes(b"code")
    tree.note(Part(name="dash in image small", version="0.5", kind="image's package", licence="BSD"))
    return tree


def parts(folder: Path) -> dict[str, Any]:
    return {each["name"]: each for each in json.loads((folder / MANIFEST).read_text())["parts"]}


def test_every_file_belongs_to_a_part_with_a_licence(tmp_path: Path) -> None:
    tree = made(tmp_path / "kit")
    tree.seal({"version": "1"})
    found = parts(tree.folder)
    files = listed(tree.folder)
    written = {path.relative_to(tree.folder).as_posix() for path in tree.folder.rglob("*") if path.is_file()}
    assert set(files) == written - {SUMS}
    assert sum(each["files"] for each in found.values()) == len(files) - 1, "all but the manifest itself"
    assert all(each["licence"] for each in found.values())
    line = f"{hashlib.sha256(b'library').hexdigest()}  python/lib/libc.so.6\n"
    assert found["libc6"] == {
        "name": "libc6", "version": "2.36", "kind": "deb", "licence": "LGPL-2.1", "package_sha256": "ab" * 32,
        "files": 1, "files_sha256": hashlib.sha256(line.encode()).hexdigest(),
    }  # fmt: skip
    assert (found["dash in image small"]["files"], found["dash in image small"]["files_sha256"]) == (0, "")
    assert found["bytecode of the Python files"]["files"] == 1


def test_the_same_files_are_the_same_bytes_whenever_and_by_whomever(tmp_path: Path) -> None:
    digests = []
    for name, umask, time in (("one", 0o022, 1), ("two", 0o077, 2_000_000_000)):
        before = os.umask(umask)
        try:
            tree = made(tmp_path / name)
            tree.seal({"version": "1"})
        finally:
            os.umask(before)
        for path in tree.folder.rglob("*"):
            os.utime(path, (time, time))
        digests.append(pack(tree.folder, tmp_path / f"{name}.tar.gz", 1_000_000_000))
    assert digests[0] == digests[1]
    assert hashlib.sha256((tmp_path / "one.tar.gz").read_bytes()).hexdigest() == digests[0]


def test_another_byte_is_another_kit(tmp_path: Path) -> None:
    tree = made(tmp_path / "kit")
    tree.seal({"version": "1"})
    before = pack(tree.folder, tmp_path / "one.tar.gz", 1)
    tree.add(PROJECT, "project/a.py", b"None\n")
    assert pack(tree.folder, tmp_path / "two.tar.gz", 1) != before


def test_whoever_unpacks_it_may_read_and_run_it(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        tree = made(tmp_path / "kit")
        tree.seal({"version": "1"})
    finally:
        os.umask(before)
    pack(tree.folder, tmp_path / "kit.tar.gz", 1)
    with tarfile.open(tmp_path / "kit.tar.gz") as tar:
        modes = {member.name: member.mode for member in tar}
        assert {member.uid for member in tar} == {0}
    assert modes[NAME] == modes[f"{NAME}/project"] == modes[f"{NAME}/evaluate"] == 0o755
    assert modes[f"{NAME}/project/__pycache__/a.pyc"] == modes[f"{NAME}/{SUMS}"] == 0o644
