"""Generate first interactions of cosmic-ray protons with air nuclei, as an air-shower cascade needs them.

Usage: cosmic_showers.py EVENTS. Protons of 100 TeV on nitrogen, SIBYLL 2.3d. Writes events.bin: per event
the number of final particles and the share of the beam's energy that the fastest of them carries, as
little-endian int32 and float64.
"""

import json
import struct
import sys
import time
from pathlib import Path

import chromo

BEAM_GEV = 1e5


def main(events: int) -> None:
    """Generate, write, report."""
    kinematics = chromo.kinematics.FixedTarget(BEAM_GEV, "proton", "N14")
    generator = chromo.models.Sibyll23d(kinematics, seed=20081111)
    made = particles_all = 0
    started = time.monotonic_ns()
    with Path("events.bin").open("wb") as output:
        for event in generator(events):
            final = event.final_state()
            output.write(struct.pack("<id", len(final), float(final.en.max()) / BEAM_GEV))
            made += 1
            particles_all += len(final)
    elapsed_s = (time.monotonic_ns() - started) / 1e9
    print(
        json.dumps({"events": made, "particles_mean": particles_all / max(made, 1), "elapsed_s": elapsed_s})
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
