"""The browser's draws, made again in Python: another implementation of the same few lines."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MASK = np.uint64(0xFFFFFFFF)


def stream(seed: int, name: str) -> int:
    """FNV-1a of the seed and the name."""
    value = 0x811C9DC5
    for letter in f"{seed} {name}".encode("ascii"):
        value = (value ^ letter) * 0x01000193 & 0xFFFFFFFF
    return value


def random(key: int, count: int) -> Floats:
    """MurmurHash3's last step over a counter, in 0..1."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    x = (np.uint64(key) + steps * np.uint64(0x9E3779B9)) & _MASK
    x = (x ^ (x >> np.uint64(16))) * np.uint64(0x85EBCA6B) & _MASK
    x = (x ^ (x >> np.uint64(13))) * np.uint64(0xC2B2AE35) & _MASK
    return (x ^ (x >> np.uint64(16))).astype(np.float64) / 2**32


def chances(
    data: dict[str, Any], site: int, weights: Sequence[float], field: Sequence[int], gaps: str
) -> list[float]:
    """Give the chance of each runtime of a field, from the data in the page."""
    method, table = data["method"], data["sites"][site]
    seed, draws = method["seed"], method["draws"]
    noise = {(c, r): medians(method, probe, text, lost) for c, r, probe, text, lost in table["noise"]}
    for c, r, probe, up_to, none, every in table["turns"]:
        drawn = random(stream(seed, f"turns {probe} {table['runtimes'][r]}"), method["resamples"])
        shares = np.searchsorted(up_to[:-1], drawn, side="right") / (len(up_to) - 1)
        picks = (random(stream(seed, f"picks {probe}"), draws) * method["resamples"]).astype(int)
        noise[c, r] = (none + shares * (every - none))[picks]
    low, high, total = np.zeros((len(field), draws)), np.zeros((len(field), draws)), np.zeros(draws)
    for c, weight in enumerate(weights):
        if weight <= 0:
            continue
        spread = random(stream(seed, f"weight {data['criteria'][c]['id']}"), draws)
        factor = 1 + method["range"] * (2 * spread - 1)
        total += weight * factor
        for i, r in enumerate(field):
            score = table["scores"][c][r]
            if isinstance(score, list) and gaps == "open":
                low[i] += weight * factor * score[0]
                high[i] += weight * factor * score[1]
                continue
            if isinstance(score, list):
                score = score[0] + {"worst": 0.0, "middle": 0.5, "best": 1.0}[gaps] * (score[1] - score[0])
            worth = weight * factor * noise[c, r] if (c, r) in noise else weight * score * factor
            low[i] += worth
            high[i] += worth
    found = []
    for i in range(len(field)):
        rivals = np.delete(high, i, axis=0)
        best = rivals.max(axis=0) if len(rivals) else np.full(draws, -np.inf)
        tied = (np.abs(rivals - low[i]) <= 1e-12 * total).sum(axis=0)
        found.append(float(np.where(low[i] >= best - 1e-12 * total, 1 / (1 + tied), 0).mean()))
    return found


def medians(method: dict[str, Any], probe: str, text: str, lost: Sequence[int]) -> Floats:
    """Bootstrap one row's blocks, and pair a resample with every draw."""
    steps = np.frombuffer(base64.b64decode(text), dtype="<u2")
    own = steps / method["steps"] * (1 + 2 * method["beyond"]) - method["beyond"]
    resamples, every = method["resamples"], len(own) + len(lost)
    places = np.full(every, np.nan)
    places[[place for place in range(every) if place not in lost]] = own
    samples: list[list[float]] = [[] for _ in range(resamples)]
    turn = 0
    while any(len(sample) < len(own) for sample in samples):
        name = f"blocks {probe} {turn}" if turn else f"blocks {probe}"
        chosen = (random(stream(method["seed"], name), resamples * every) * every).astype(int)
        for sample, row in zip(samples, places[chosen.reshape(resamples, every)], strict=True):
            sample.extend(row[~np.isnan(row)].tolist())
        turn += 1
    middle = np.clip(np.median([sample[: len(own)] for sample in samples], axis=1), 0, 1)
    picks = (random(stream(method["seed"], f"picks {probe}"), method["draws"]) * resamples).astype(int)
    drawn: Floats = middle[picks]
    return drawn
