"""Generate collisions with Pythia 8 and keep a summary of each.

Usage: monte_carlo.py EVENTS. Proton-proton collisions at 13 TeV with a hard process. Writes events.bin: per
event the number of charged final particles and the transverse momentum of the hard process in GeV, as
little-endian int32 and float64.
"""

import json
import struct
import sys
import time
from pathlib import Path

import pythia8mc


def main(events: int) -> None:
    """Generate, write, report."""
    pythia = pythia8mc.Pythia("", False)
    for setting in (
        "Print:quiet = on",
        "Beams:eCM = 13000.",
        "HardQCD:all = on",
        "PhaseSpace:pTHatMin = 20.",
        "Random:setSeed = on",
        "Random:seed = 20081111",
    ):
        if not pythia.readString(setting):
            sys.exit(f"Pythia does not know the setting {setting!r}")
    if not pythia.init():
        sys.exit("Pythia could not be initialised")
    made = charged_all = 0
    started = time.monotonic_ns()
    with Path("events.bin").open("wb") as output:
        for _ in range(events):
            if not pythia.next():
                continue
            charged = pythia.event.nFinal(True)  # charged ones only
            output.write(struct.pack("<id", charged, pythia.infoPython().pTHat()))
            made += 1
            charged_all += charged
    elapsed_s = (time.monotonic_ns() - started) / 1e9
    print(json.dumps({"events": made, "charged_mean": charged_all / max(made, 1), "elapsed_s": elapsed_s}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
