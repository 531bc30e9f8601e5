"""Debian's packages as files: links become what they point to, and licences are read."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.kit.debian import Deb, fetch_debs, licences
from evaluation.model import Completed
from evaluation.testing import ended

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is Debian's")


def run(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
    done = subprocess.run(argv, input=stdin, timeout=timeout_s, capture_output=True, check=False)
    return ended(stdout=done.stdout, stderr=done.stderr, exit_status=done.returncode)


@needs_dpkg
def test_a_library_stands_under_the_name_that_programs_ask_for(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for folder in ("DEBIAN", "usr/lib/x86_64-linux-gnu", "usr/share/doc", "etc"):
        (tree / folder).mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: libx\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n"
    )
    (tree / "usr/lib/x86_64-linux-gnu/libx.so.1.2").write_text("library")
    (tree / "usr/lib/x86_64-linux-gnu/libx.so.1").symlink_to("libx.so.1.2")
    (tree / "usr/share/doc/libx").symlink_to("x-base")
    (tree / "etc/nowhere").symlink_to("/etc/shadow")
    subprocess.run(
        ("dpkg-deb", "--build", tree, tmp_path / "libx_1_all.deb"), check=True, capture_output=True
    )
    unpacked = Deb(name="libx", version="1", sha256="", path=tmp_path / "libx_1_all.deb").unpack(run)
    assert unpacked.files == {"usr/lib/x86_64-linux-gnu/libx.so.1": b"library"}
    assert unpacked.documented == "usr/share/doc/x-base"


def test_packages_are_asked_of_this_machine_s_mirror_and_named_with_their_digest(tmp_path: Path) -> None:
    asked: list[tuple[tuple[str, ...], bytes]] = []

    def fake(argv: Sequence[str], stdin: bytes, _: float) -> Completed:
        asked.append((tuple(argv), stdin))
        if argv[0] == "apt-get":
            return ended(stdout=b"Debian http://mirror.example/debian\n")
        (tmp_path / "libx_1%3a2.0-1_arm64.deb").write_bytes(b"deb")
        return ended()

    (found,) = fetch_debs(("libx", "liby"), tmp_path, fake, "arm64")
    assert (found.name, found.version) == ("libx", "1:2.0-1")
    assert found.sha256 == hashlib.sha256(b"deb").hexdigest()
    argv, stdin = asked[-1]
    assert argv[0] == "mmdebstrap"
    assert {"--include=libx,liby", "--architectures=arm64"} <= set(argv)
    assert stdin == b"deb http://mirror.example/debian bookworm main\n"


def test_a_package_that_cannot_be_had_is_told_without_the_mirror_s_address(tmp_path: Path) -> None:
    def fake(argv: Sequence[str], *_: object) -> Completed:
        if argv[0] == "apt-get":
            return ended(stdout=b"Debian http://user:secret@mirror.example/debian\n")
        return ended(exit_status=1, stderr=b"E: Unable to locate http://user:secret@mirror.example/x\n")

    with pytest.raises(EvaluationError, match="mmdebstrap ended with 1") as told:
        fetch_debs(("libx",), tmp_path, fake, "amd64")
    assert "secret" not in str(told.value)


LIST = (
    "Format: https://x\n\nFiles: *\nLicense: GPL-2+\n text\n\nFiles: a\nLicense: BSD\n\nLicense: BSD\n text\n"
)


@pytest.mark.parametrize(
    ("text", "named"),
    [(LIST, "BSD, GPL-2+"), ("This package is free.\nLicense: none of a list\n", ""), ("", "")],
)
def test_licences_are_named_where_the_file_is_a_list(text: str, named: str) -> None:
    assert licences(text) == named
