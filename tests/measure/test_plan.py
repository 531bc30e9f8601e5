"""What a plan takes for the machine's configuration."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from evaluation.measure.plan import _digest


def test_a_configuration_s_folder_and_pipe_are_no_file_of_it(tmp_path: Path) -> None:
    """``/etc/apptainer`` of every package holds folders beside its files."""
    (tmp_path / "network").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "apptainer.conf").write_text("allow setuid = yes\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert _digest(tmp_path / "network") == _digest(tmp_path / "pipe") == "no file"
    assert _digest(tmp_path / "none") == "No such file or directory"
    assert _digest(tmp_path / "apptainer.conf") == hashlib.sha256(b"allow setuid = yes\n").hexdigest()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
