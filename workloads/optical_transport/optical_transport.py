"""Transport optical photons through an array of CsI crystals with Geant4.

Usage: optical_transport.py EVENTS. Four layers of four CsI logs, 326 x 26.7 x 19.9 mm as in the LAT's
calorimeter, with a silicon diode at each end. Every event starts PHOTONS photons at a point of one log; they
are reflected, scattered and absorbed until they end. Writes events.bin: per event the photons that ended in
diodes and the number of steps, as little-endian int32.

No charged particle is tracked: Geant4's electromagnetic data sets are not in its wheel. This is transport
through geometry with surfaces, not a shower, and no stand-in for the physics of a full simulation.
"""

import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import BinaryIO

# Geant4 looks for its data sets even where no nucleus and no charged particle is tracked: an empty folder
# and an empty table of nuclear states will do. Where GEANT4_DATA_DIR is not set, the package asks at import
# whether to download gigabytes.
for variable in ("GEANT4_DATA_DIR", "G4ENSDFSTATEDATA", "G4LEDATA", "G4LEVELGAMMADATA", "G4RADIOACTIVEDATA"):
    os.environ[variable] = str(Path.cwd())
Path("ENSDFSTATE.dat").touch()

import geant4_pybind as g4  # noqa: E402 - it reads them when it is imported

PHOTONS = 100
LAYERS = ROWS = 4
LENGTH, WIDTH, HEIGHT = 326.0 * g4.mm, 26.7 * g4.mm, 19.9 * g4.mm
DIODE = 1.0 * g4.mm
ENERGY = 2.25 * g4.eV
BAND = g4.G4doubleVector([1.5 * g4.eV, 3.5 * g4.eV])


def material(name: str, index: float, absorption: float) -> g4.G4Material:
    """Take a material of Geant4's list and give it an optical side."""
    found = g4.G4NistManager.Instance().FindOrBuildMaterial(name)
    table = g4.G4MaterialPropertiesTable()
    for key, value in (("RINDEX", index), ("ABSLENGTH", absorption), ("RAYLEIGH", 300.0 * g4.mm)):
        table.AddProperty(key, BAND, g4.G4doubleVector([value, value]))
    found.SetMaterialPropertiesTable(table)
    return found


class Detector(g4.G4VUserDetectorConstruction):
    """Logs in layers, each turned by a right angle against the last."""

    def Construct(self) -> g4.G4VPhysicalVolume:
        """Build the tree of volumes; what Geant4 does not own is kept on self."""
        air = material("G4_AIR", 1.0, 1e6 * g4.mm)
        crystal = material("G4_CESIUM_IODIDE", 1.79, 1860.0 * g4.mm)
        silicon = material("G4_Si", 3.9, 0.01 * g4.mm)
        world = g4.G4LogicalVolume(g4.G4Box("world", 0.5 * g4.m, 0.5 * g4.m, 0.5 * g4.m), air, "world")
        whole = g4.G4PVPlacement(None, g4.G4ThreeVector(), world, "world", None, False, 0)
        box = g4.G4Box("log", LENGTH / 2, WIDTH / 2, HEIGHT / 2)
        log = g4.G4LogicalVolume(box, crystal, "log")
        end = g4.G4LogicalVolume(g4.G4Box("diode", DIODE / 2, WIDTH / 4, HEIGHT / 4), silicon, "diode")
        for side in (-1, 1):
            place = g4.G4ThreeVector(side * (LENGTH - DIODE) / 2, 0, 0)
            g4.G4PVPlacement(None, place, end, "diode", log, False, side + 1)
        self.turned = g4.G4RotationMatrix()
        self.turned.rotateZ(90 * g4.deg)
        for layer in range(LAYERS):
            height = (layer - (LAYERS - 1) / 2) * (HEIGHT + 2 * g4.mm)
            for row in range(ROWS):
                aside = (row - (ROWS - 1) / 2) * (WIDTH + 1 * g4.mm)
                along_x = layer % 2 == 0
                place = (0, aside, height) if along_x else (aside, 0, height)
                turn = None if along_x else self.turned
                g4.G4PVPlacement(turn, g4.G4ThreeVector(*place), log, "log", world, False, layer * ROWS + row)
        wrapping = g4.G4OpticalSurface(
            "wrapping", g4.unified, g4.groundfrontpainted, g4.dielectric_dielectric
        )
        table = g4.G4MaterialPropertiesTable()
        table.AddProperty("REFLECTIVITY", BAND, g4.G4doubleVector([0.97, 0.97]))
        wrapping.SetMaterialPropertiesTable(table)
        coupling = g4.G4OpticalSurface("coupling", g4.unified, g4.polished, g4.dielectric_dielectric)
        skins = (
            g4.G4LogicalSkinSurface("wrapping", log, wrapping),
            g4.G4LogicalSkinSurface("coupling", end, coupling),
        )
        self.kept = (wrapping, table, coupling, skins)
        return whole


class Source(g4.G4VUserPrimaryGeneratorAction):
    """Photons from one point of one log, in all directions."""

    def __init__(self) -> None:
        super().__init__()
        self.gun = g4.G4ParticleGun(1)
        self.gun.SetParticleDefinition(g4.G4OpticalPhoton.Definition())
        self.gun.SetParticleEnergy(ENERGY)

    def GeneratePrimaries(self, event: g4.G4Event) -> None:
        """Walk along the log from event to event."""
        along = (event.GetEventID() % 29 - 14) * 10 * g4.mm
        height = -(LAYERS - 1) / 2 * (HEIGHT + 2 * g4.mm)
        self.gun.SetParticlePosition(g4.G4ThreeVector(along, -1.5 * (WIDTH + 1 * g4.mm), height))
        for _ in range(PHOTONS):
            direction = g4.G4RandomDirection()
            self.gun.SetParticleMomentumDirection(direction)
            self.gun.SetParticlePolarization(direction.orthogonal().unit())
            self.gun.GeneratePrimaryVertex(event)


class Counter(g4.G4UserTrackingAction):
    """Counts steps, and photons that ended in a diode."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = self.steps = 0

    def PostUserTrackingAction(self, track: g4.G4Track) -> None:
        """Look at where a photon ended."""
        self.steps += track.GetCurrentStepNumber()
        volume = track.GetVolume()
        self.seen += volume is not None and volume.GetName() == "diode"


class Writer(g4.G4UserEventAction):
    """Writes one record per event."""

    def __init__(self, counter: Counter, output: BinaryIO) -> None:
        super().__init__()
        self.counter, self.output = counter, output
        self.events = self.seen = 0

    def BeginOfEventAction(self, _: g4.G4Event) -> None:
        """Start from zero."""
        self.counter.seen = self.counter.steps = 0

    def EndOfEventAction(self, _: g4.G4Event) -> None:
        """Keep what was counted."""
        self.output.write(struct.pack("<ii", self.counter.seen, self.counter.steps))
        self.events += 1
        self.seen += self.counter.seen


class Actions(g4.G4VUserActionInitialization):
    """What is called at which moment."""

    def __init__(self, output: BinaryIO) -> None:
        super().__init__()
        self.output = output

    def Build(self) -> None:
        """Register the actions."""
        self.counter = Counter()
        self.writer = Writer(self.counter, self.output)
        self.SetUserAction(Source())
        self.SetUserAction(self.counter)
        self.SetUserAction(self.writer)


class Physics(g4.G4VModularPhysicsList):
    """Particles by way of their decays, then optics; no electromagnetic physics, which would want data."""

    def __init__(self) -> None:
        super().__init__()
        self.SetVerboseLevel(0)
        self.RegisterPhysics(g4.G4DecayPhysics())
        self.RegisterPhysics(g4.G4OpticalPhysics())


def main(events: int) -> None:
    """Transport, write, report."""
    g4.G4Random.setTheSeed(20081111)
    manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
    with Path("events.bin").open("wb") as output:
        actions = Actions(output)
        manager.SetUserInitialization(Detector())
        manager.SetUserInitialization(Physics())
        manager.SetUserInitialization(actions)
        manager.Initialize()
        started = time.monotonic_ns()
        manager.BeamOn(events)
        elapsed_s = (time.monotonic_ns() - started) / 1e9
    writer = actions.writer
    share = writer.seen / max(PHOTONS * writer.events, 1)
    print(json.dumps({"events": writer.events, "seen_share": share, "elapsed_s": elapsed_s}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
