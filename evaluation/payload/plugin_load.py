"""Load every small shared library of a directory, as a framework loads its plug-ins.

Run by the image's own interpreter, so that the image's own dynamic loader does the work. One JSON
object per line; the last is ``{"done": true}``.
"""

import ctypes
import json
import os
import sys
import time


def load_all(directory: str) -> "dict[str, object]":
    """Load the libraries in the order of their names; give the time, the count and what failed."""
    names = sorted(name for name in os.listdir(directory) if name.endswith(".so"))
    paths = [os.path.join(directory, name) for name in names]
    failed, handles = [], []
    start = time.perf_counter_ns()
    for path in paths:
        try:
            handles.append(ctypes.CDLL(path))
        except OSError as error:
            failed.append(str(error))
    elapsed_ns = time.perf_counter_ns() - start
    return {"what": "plugins", "elapsed_ns": elapsed_ns, "loaded": len(handles), "failed": failed}


if __name__ == "__main__":
    os.chdir(sys.argv[1])  # paths are then as long on the bare host as in a container
    print(json.dumps(load_all(sys.argv[2])))
    print(json.dumps({"done": True}))
