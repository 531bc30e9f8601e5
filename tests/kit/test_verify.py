"""A kit held against its list: a changed byte is named, and so is what is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import evaluation.kit.verify
from evaluation.kit.tree import MANIFEST, Part, Tree
from evaluation.kit.verify import SUMS

PART = Part(name="project", version="1", kind="project", licence="Apache-2.0")


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    tree = Tree(tmp_path / "kit")
    tree.add(PART, "evaluate", b"#!/bin/sh\n", program=True)
    tree.add(PART, "python/a file", b"content\n")
    tree.seal({"version": "1"})
    return tree.folder


def verify(kit: Path) -> subprocess.CompletedProcess[str]:
    """As `./evaluate --verify` does: no site packages, nothing of the project imported."""
    argv = (sys.executable, "-I", "-S", evaluation.kit.verify.__file__, kit)
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_what_is_as_it_was_made_is_said_with_the_list_s_own_digest(kit: Path) -> None:
    done = verify(kit)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 files are as they were made\nSHA-256 of SHA256SUMS: ")


def test_sha256sum_can_read_the_list(kit: Path) -> None:
    done = subprocess.run(
        ("sha256sum", "--check", "--strict", SUMS), cwd=kit, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", ["evaluate", "python/a file", MANIFEST])
def test_a_changed_byte_is_named(path: str, kit: Path) -> None:
    content = bytearray((kit / path).read_bytes())
    content[3] ^= 1
    (kit / path).write_bytes(content)
    done = verify(kit)
    assert done.returncode == 1
    assert done.stderr == f"evaluate: {path}: changed\nevaluate: 1 of 3 files are not as they were made\n"


def test_what_is_gone_is_named_and_what_was_added_is_not(kit: Path) -> None:
    (kit / "results").write_text("mine")
    assert verify(kit).returncode == 0
    (kit / "evaluate").unlink()
    assert "evaluate: evaluate: No such file or directory\n" in verify(kit).stderr


@pytest.mark.parametrize("text", ["short  evaluate\n", "0" * 64 + " evaluate\n", "x" * 64 + "  evaluate\n"])
def test_a_damaged_list_is_refused(text: str, kit: Path) -> None:
    (kit / SUMS).write_text(text)
    done = verify(kit)
    assert done.returncode == 1
    assert "SHA256SUMS, line 1: is no digest with a path" in done.stderr
    (kit / SUMS).unlink()
    assert "cannot be verified" in verify(kit).stderr
