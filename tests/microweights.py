"""The shipped criteria with weights on single measurements, as they stood before time lost had one.

For tests of how weights are shown and moved: they want many criteria in an objective.
"""

from __future__ import annotations

import atexit
import re
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from evaluation.decide.criteria import load_criteria

__all__ = ["CRITERIA", "PATH", "SHIPPED", "TEXT"]

SHIPPED: Final = Path(__file__).parents[1] / "criteria.yaml"

_SHARES: Final = """\
      cpu_rate: 20          # CPU hours are the bill; a loss here is a loss on every job
      import_storm: 17      # many jobs start at once and all load the same software
      cold_start: 9         # once per job; shows only because the jobs are short
      metadata_rate: 9      # set-up scripts and calibration trees of small files
      memory_bandwidth: 5   # reconstruction moves more than it computes
      open_rate: 4          # set-up scripts and plug-ins are opened one by one
      syscall_rate: 3       # felt only by code that calls often
"""


def _rewritten(text: str) -> str:
    made, count = re.subn(r"^      time_lost: .*\n", _SHARES, text, flags=re.MULTILINE)
    assert count == 1
    return made


def _written(text: str) -> Path:
    folder = mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "criteria.yaml"
    path.write_text(text, encoding="utf-8")
    return path


TEXT: Final = _rewritten(SHIPPED.read_text(encoding="utf-8"))
PATH: Final = _written(TEXT)
CRITERIA: Final = load_criteria(PATH)
