"""Runtimes as people call them: the product, and what sets one of its modes apart from the next.

The first part of the report uses these names alone. Ids stand where something is to be typed or looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from evaluation.manifest import RuntimeFacts, fact

__all__ = ["Names", "full_name", "mode_name", "offer_name", "product_name"]

_PRODUCTS: Final = {
    "apptainer": "Apptainer (formerly Singularity)",
    "bubblewrap": "Bubblewrap",
    "charliecloud": "Charliecloud",
    "docker": "Docker",
    "enroot": "Enroot",
    "host": "the bare host",
    "podman": "Podman",
    "podman-hpc": "podman-hpc",
    "sarus": "Sarus",
    "shifter": "Shifter",
    "vm": "a virtual machine",
}
"""Products by the family of their modes; others go by that."""

_MODES: Final = {
    "apptainer-contained": "closed off",
    "apptainer-fakeroot": "root inside",
    "charliecloud": "unpacked directory",
    "charliecloud-squashfs": "image file",
    "docker": "root daemon",
    "docker-hardened": "root daemon, closed off",
    "docker-rootless": "rootless daemon",
    "docker-user": "root daemon, your own user inside",
    "podman": "rootless",
    "podman-cgroupfs": "rootless, no systemd",
    "podman-cgroups-disabled": "rootless, no control group",
    "podman-keep-id": "rootless, your own user inside",
    "shifter": "image of the site's gateway",
    "shifter-local": "your own directory",
    "singularity-oci": "OCI mode",
}
"""In a few words what a mode is; others go by what their adapter says of it, up to its first semicolon."""


def product_name(family: str, version: str = "") -> str:
    """Name a product as people do; SingularityCE, which shares Apptainer's family, by its own name."""
    named = version.partition(" ")[0]
    return named if named.startswith("Singularity") else _PRODUCTS.get(family, family)


def mode_name(facts: RuntimeFacts, *, brief: bool = False) -> str:
    """Say in a few words how a mode runs; of Apptainer's family by what was seen of a start, unless brief."""
    own = _MODES.get(facts.id, "")
    if facts.family != "apptainer":
        return own or facts.mode.partition(";")[0]
    unpacked = "directory" in facts.mode or "sandbox" in facts.id
    form = "unpacked directory" if unpacked else "image file"
    if brief:
        return ", ".join(filter(None, (form, own)))
    starter = fact(facts.seen, "setuid starter")
    rights = {"at work": "setuid", "not at work": "no setuid"}.get(starter, "")
    return ", ".join(filter(None, (form, _mount(facts), rights, own)))


def full_name(facts: RuntimeFacts) -> str:
    """Name a runtime as people do, its mode included."""
    return f"{product_name(facts.family, facts.version)}, {mode_name(facts)}"


class Names:
    """The names of one run's runtimes: in full, and as short as they stay apart."""

    def __init__(self, runtimes: Iterable[RuntimeFacts]) -> None:
        self._facts = {facts.id: facts for facts in runtimes}
        ranked = [facts.family for facts in self._facts.values() if facts.timed and facts.present]
        self._several = {family for family in ranked if ranked.count(family) > 1}

    def full(self, runtime: str) -> str:
        """Name a runtime with its mode; what the run does not know goes by its id."""
        facts = self._facts.get(runtime)
        return full_name(facts) if facts else offer_name(runtime)

    def product(self, runtime: str) -> str:
        """Name a runtime's product."""
        facts = self._facts.get(runtime)
        return product_name(facts.family, facts.version) if facts else offer_name(runtime)

    def mode(self, runtime: str) -> str:
        """Say in a few words how a runtime runs."""
        facts = self._facts.get(runtime)
        return mode_name(facts) if facts else ""

    def short(self, runtime: str) -> str:
        """Name a runtime by its product, with its form where several modes of that are ranked."""
        facts = self._facts.get(runtime)
        if facts is None:
            return offer_name(runtime)
        product = self.product(runtime).partition(" (")[0]
        ranked = facts.family in self._several or not facts.timed
        return f"{product} ({mode_name(facts, brief=True)})" if ranked else product


def offer_name(name: str) -> str:
    """Name what a site offers, by the id of a runtime or of a family."""
    if name in _PRODUCTS:
        return _PRODUCTS[name]
    family = next((each for each in sorted(_PRODUCTS, key=len, reverse=True) if name.startswith(each)), "")
    return f"{_PRODUCTS.get(family, name)}{f', {_MODES[name]}' if name in _MODES else ''}"


def _mount(facts: RuntimeFacts) -> str:
    told = fact(facts.seen, "image mount")
    if "kernel" in told:
        return "kernel mount"
    if "fuse" in told.lower():
        return "FUSE mount"
    return "extracted" if "extracted" in told else ""
