"""Read a ROOT file of events with lists of hits, compute columns anew, and write them.

Usage: reprocessing.py EVENTS PASSES. The input is made first, from a fixed seed, and is not timed. Then,
PASSES times: every hit is calibrated anew, events are cut on, sums and maxima per event are taken, and the
columns are written to reprocessed.root. columns.bin holds what is in that file, as little-endian arrays: a
ROOT file holds times and ids and is never twice the same, its columns are.
"""

import json
import sys
import time
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

GAIN, PEDESTAL, CUT_MEV = 0.0137, 41.0, 120.0


def make_input(events: int, path: str) -> None:
    """Write events with between 0 and about 30 hits of a crystal number and a raw signal."""
    random = np.random.Generator(np.random.PCG64(20081111))
    counts = random.poisson(12, events)
    hits = int(counts.sum())
    crystal = ak.unflatten(random.integers(0, 1536, hits, dtype=np.int32), counts)
    raw = ak.unflatten(random.integers(50, 4096, hits, dtype=np.int32), counts)
    with uproot.recreate(path, compression=uproot.LZ4(4)) as file:
        write(file, {"run": np.arange(events), "hit": ak.zip({"crystal": crystal, "raw": raw})})


def write(file: "uproot.WritableDirectory", columns: dict[str, object]) -> None:
    """Write columns as a tree (a plain assignment would write an RNTuple)."""
    types = {name: ak.type(column).content for name, column in columns.items()}
    file.mktree("events", types).extend(columns)


def reprocess(source: str, target: str) -> tuple[int, int]:
    """Do one pass; give the bytes that were read, as arrays, and the events that were kept."""
    with uproot.open(source) as file:
        events = file["events"].arrays(["run", "hit_crystal", "hit_raw"])
    energy = (events["hit_raw"] - PEDESTAL) * (GAIN * (1.0 + (events["hit_crystal"] % 12) * 0.01))
    total = ak.sum(energy, axis=1)
    kept = total > CUT_MEV
    layers = ak.sum(ak.where(events["hit_crystal"] % 8 == 0, energy, 0.0), axis=1)
    columns = {
        "run": ak.to_numpy(events["run"][kept]).astype("<i8"),
        "energy": ak.to_numpy(total[kept]).astype("<f8"),
        "largest": ak.to_numpy(ak.fill_none(ak.max(energy, axis=1), 0.0)[kept]).astype("<f8"),
        "layer": ak.to_numpy(layers[kept]).astype("<f8"),
    }
    with uproot.recreate(target, compression=uproot.LZ4(4)) as file:
        write(file, columns)
    return sum(ak.to_layout(events[name]).nbytes for name in events.fields), int(ak.sum(kept))


def main(events: int, passes: int) -> None:
    """Make the input, reprocess, report what is in the file that was written."""
    make_input(events, "input.root")
    started = time.monotonic_ns()
    done = [reprocess("input.root", "reprocessed.root") for _ in range(passes)]
    elapsed_s = (time.monotonic_ns() - started) / 1e9
    with uproot.open("reprocessed.root") as file, Path("columns.bin").open("wb") as output:
        found = file["events"].arrays(library="np")
        output.writelines(found[name].tobytes() for name in ("run", "energy", "largest", "layer"))
    print(
        json.dumps(
            {
                "events": len(found["run"]),
                "energy_mean": float(found["energy"].mean()),
                "bytes": sum(size for size, _ in done),
                "elapsed_s": elapsed_s,
            }
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
