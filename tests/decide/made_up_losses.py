"""Prices made up for the tests of time lost: what the host takes for one of each, and how much longer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from made_up import finding

from evaluation.decide.criteria import load_criteria
from evaluation.model import Finding, Outcome
from evaluation.statistics import median_interval, paired_ratio
from evaluation.workprofiles import WorkProfile

__all__ = ["PROFILE", "everything", "price"]

UNITS = {
    "cold_start": "s",
    "import_storm": "s",
    "metadata_rate": "files/s",
    "open_rate": "ns",
    "syscall_rate": "ns",
    "cpu_rate": "1/s",
    "memory_bandwidth": "B/s",
    "whole": "s",
}
SHIPPED = load_criteria(Path(__file__).parents[2] / "criteria.yaml").use_cases["developer"].work
assert SHIPPED
PROFILE: WorkProfile = SHIPPED
"""The developer's, as shipped."""


def price(
    probe: str,
    host_s: float,
    ratio: float,
    *,
    runtime: str = "a",
    blocks: int = 12,
    noise: float = 0.0,
    common: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None,
    seed: int = 0,
) -> Finding:
    """What a probe found that takes ``host_s`` for one on the host, and ``ratio`` times as long inside."""
    luck = np.random.default_rng(seed)
    machine = np.ones(blocks) if common is None else np.exp(common)
    control_s = host_s * machine
    own_s = control_s * ratio * np.exp(noise * luck.standard_normal(blocks))
    unit = UNITS[probe]
    control, own = (1 / control_s, 1 / own_s) if unit.endswith("/s") else (control_s, own_s)
    scale = 1e9 if unit == "ns" else 1.0
    samples, hosts = tuple((own * scale).tolist()), tuple((control * scale).tolist())
    blank = finding(runtime, probe, Outcome.MEASURED)
    return replace(
        blank,
        texts=replace(blank.texts, unit=unit),
        blocks=tuple(range(1, blocks + 1)),
        samples=samples,
        control=hosts,
        value=median_interval(samples, confidence=0.95),
        ratio=paired_ratio(samples, hosts, confidence=0.95),
    )


def everything(**changed: float) -> tuple[Finding, ...]:
    """Every price of the developer's profile: the ratio of each probe, 1 where nothing is said."""
    ratios = dict.fromkeys(PROFILE.probes, 1.0) | changed
    hosts = {"cold_start": 7e-4, "import_storm": 0.1, "metadata_rate": 1e-5, "open_rate": 2e-6}
    hosts |= {"syscall_rate": 2e-7, "cpu_rate": 2.5e-9}
    return tuple(price(probe, hosts[probe], ratio) for probe, ratio in ratios.items())
