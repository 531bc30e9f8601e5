"""The shipped criteria with weights on single measurements, as they stood before time lost had one.

For tests of how weights are written, grouped and moved: they want many weights in a use case, and a group.
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

_GROUP: Final = """\
  small_files:
    title: Many small files
    reason: Two probes of one kind of work; the first has two thirds.
    shares: {metadata_rate: 2, open_rate: 1}

"""

_LINES: Final = (
    """\
      cpu_rate: 20                      # CPU hours are the bill; a loss here is a loss on every job
      import_storm: 17                  # many jobs start at once and all load the same software
      cold_start: 9                     # once per job; shows only because the jobs are short
      metadata_rate: 9                  # set-up scripts and calibration trees of small files
      syscall_rate: 3                   # felt only by code that calls often
      memory_bandwidth: 5               # reconstruction moves more than it computes
      open_rate: 4                      # set-up scripts and plug-ins are opened one by one
""",
    """\
      import_storm: 24                  # python starts in every analysis step; this is what waiting is
      cold_start: 10                    # felt at every command
      small_files: 12                   # file-rich Python environments, tab completion, searching
      cpu_rate: 7                       # matters, but an analysis seldom fills a farm
      memory_bandwidth: 2               # large arrays in a notebook
      syscall_rate: 3                   # hardly felt
""",
    """\
      cold_start: 17                    # every edit-compile-run round pays it
      metadata_rate: 13                 # make and git look at every file of a tree
      import_storm: 8                   # test runs import the software again and again
      open_rate: 6                      # a hundred headers for every file
      syscall_rate: 6                   # compilers and debuggers call often
      cpu_rate: 7                       # compiling is limited by files more than by the processor
""",
)


def _rewritten(text: str) -> str:
    lines = iter(_LINES)
    made, count = re.subn(r"^      time_lost: .*\n", lambda _: next(lines), text, flags=re.MULTILINE)
    assert count == len(_LINES)
    return made.replace("weight_groups:\n\n", f"weight_groups:\n\n{_GROUP}", 1)


def _written(text: str) -> Path:
    folder = mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "criteria.yaml"
    path.write_text(text, encoding="utf-8")
    return path


TEXT: Final = _rewritten(SHIPPED.read_text(encoding="utf-8"))
PATH: Final = _written(TEXT)
CRITERIA: Final = load_criteria(PATH)
