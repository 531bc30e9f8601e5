"""Import what an analysis imports, the physics stack, once, and say how long it took.

Run by the image's own interpreter (``python3 -B``). One JSON object per line; the last is
``{"done": true}``.
"""

import importlib
import json
import sys
import time
from typing import Sequence

MODULES = ("numpy", "awkward", "uproot", "pythia8mc", "chromo")


def import_all(names: "Sequence[str]") -> "dict[str, object]":
    """Import the modules; give the time in nanoseconds, how many that loaded, and what failed."""
    before = set(sys.modules)
    failed = []
    start = time.perf_counter_ns()
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - whatever a broken image raises is an answer
            failed.append("%s (%s)" % (name, error))
    elapsed_ns = time.perf_counter_ns() - start
    return {
        "what": "imports",
        "elapsed_ns": elapsed_ns,
        "modules": len(set(sys.modules) - before),
        "failed": failed,
    }


if __name__ == "__main__":
    print(json.dumps(import_all(sys.argv[1:] or MODULES)))
    print(json.dumps({"done": True}))
