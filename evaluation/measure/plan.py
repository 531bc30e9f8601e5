"""One notion of "the same": by it a run is resumed, and by it nothing is measured that was measured already.

It is made from what is found here before anything is prepared: the machine, who measures, the runtimes with
their options and configuration, the programs that they consist of, and the questions. What preparing comes to
(a runtime that cannot run the image) follows from it, and so does not make the machine another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation import __version__
from evaluation.images.build import folder_of
from evaluation.images.convert import kept_form
from evaluation.images.recipe import load_recipe
from evaluation.manifest import HostFacts, ImageFacts, Manifest, ProgramFacts
from evaluation.measure.discovery import FoundRuntime, discover
from evaluation.measure.host import host_facts
from evaluation.measure.images import wanted_images
from evaluation.measure.launcher import Launcher
from evaluation.measure.packages import installed_programs
from evaluation.measure.preparation import chosen
from evaluation.measure.user import User
from evaluation.model import CONTROL
from evaluation.probes.registry import discover as discover_probes
from evaluation.runtimes.apptainer import PRODUCTS, product_of
from evaluation.sites import Site

__all__ = ["Plan", "machine", "planned"]

_TOOLS: Final = ("cc", "gcc", "mmdebstrap", "umoci", "skopeo")
"""What the payload and the images are built with: where one comes or goes, other probes can be asked."""

_MOST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to be. ``digest`` stands in its manifest; ``images`` has the recipes' digests."""

    everything: tuple[FoundRuntime, ...]
    found: tuple[FoundRuntime, ...]
    """Of everything, what this run asks."""
    programs: tuple[ProgramFacts, ...]
    images: Mapping[str, str]
    digest: str

    def covered_by(self, manifest: Manifest, cache: Path) -> bool:
        """Whether a run was planned alike, with these images at least, as far as they are still kept."""
        had = manifest.wanted or {name: facts.recipe_sha256 for name, facts in manifest.images.items()}
        return (
            manifest.plan == self.digest
            and all(had.get(name) == sha256 for name, sha256 in self.images.items())
            and all(_as_kept(manifest.images.get(name), cache) for name in self.images)
        )


def planned(
    site: Site,
    profile: str,
    runtimes: Sequence[str],
    images: Path,
    ladder: Sequence[str],
    launcher: Launcher,
    knobs: Collection[str] = (),
) -> Plan:
    """Look at this machine as the measuring user, and say what is to be measured on it.

    Parameters
    ----------
    runtimes, ladder, knobs
        As of `evaluation.measure.run.open_measurement`.

    Raises
    ------
    EvaluationError
        A runtime or an image is unknown.
    """
    everything = discover(site, launcher)
    found = chosen(everything, runtimes)
    present = [item for item in found if item.facts.present]
    programs = installed_programs(launcher, named=_products(everything))
    parts = {
        "site": site.id,
        "batch": str(site.batch),
        "profile": profile,
        "tool": __version__,
        "user": launcher.user.name,
        "as_root": os.getuid() == 0,
        "host": machine(host_facts()),
        "probes": sorted((probe.id, probe.version) for probe in discover_probes().values()),
        "runtimes": [
            item.facts.model_dump(
                include={"id", "version", "command", "options", "engine_options", "security"}
            )
            | {"timed": item.facts.timed}
            for item in present
        ],
        "configuration": _configuration(present, launcher.user),
        # Of the bare host alone nothing depends on what runtimes consist of.
        "programs": [facts.model_dump() for facts in programs] if len(present) > 1 else [],
        "tools": [tool for tool in _TOOLS if launcher.find(tool)],
        "knobs": sorted(knobs),
    }
    return Plan(
        everything=everything,
        found=found,
        programs=programs,
        images={name: load_recipe(images, name).sha256 for name in wanted_images(images, launcher, ladder)},
        digest=hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest(),
    )


def machine(host: HostFacts) -> dict[str, object]:
    """What makes it the same machine. The memory's size is not: it varies by some pages with each boot."""
    return host.model_dump(exclude={"memory_bytes"})


def _as_kept(facts: ImageFacts | None, cache: Path) -> bool:
    """Whether an image is what a run had; one that is not kept would be built from the same recipe."""
    if facts is None:
        return True
    folder = folder_of(facts.recipe_sha256, facts.name, cache)
    form = kept_form(folder / "forms" / f"{CONTROL}.json")
    return form is None or form.digest == facts.digest


def _products(found: Iterable[FoundRuntime]) -> dict[str, str]:
    """Give the programs of the family that comes in several products, by the product's name."""
    return {
        PRODUCTS[product]: item.facts.command
        for item in found
        if item.facts.family == "apptainer" and item.facts.present and not item.runtime.base
        if (product := product_of(item.facts.version)[0]) in PRODUCTS
    }


def _configuration(found: Iterable[FoundRuntime], user: User) -> dict[str, str]:
    """Digest of every file that configures a runtime of the run, by its path."""
    config = user.env.get("XDG_CONFIG_HOME") or f"{user.home}/.config"
    patterns = {
        pattern.format(home=user.home, config=config)
        for item in found
        for pattern in item.runtime.configuration
    }
    return {
        str(path): _digest(path)
        for pattern in sorted(patterns)
        for path in sorted(Path("/").glob(pattern.lstrip("/")))
    }


def _digest(path: Path) -> str:
    """SHA-256 of the beginning of a file; what cannot be read, or is none, is told apart from what can."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return os.strerror(error.errno or 0)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return "no file"
    with os.fdopen(descriptor, "rb") as stream:
        return hashlib.sha256(stream.read(_MOST_BYTES)).hexdigest()
