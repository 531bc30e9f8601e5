"""Adapters: one file per family, pure argv builders, found by file."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from evaluation.runtimes.base import Runtime

__all__ = ["known_runtimes"]


def known_runtimes() -> dict[str, Runtime]:
    """Every runtime this project has an adapter for, by id: the control first, then by name."""
    found: dict[str, Runtime] = {}
    for module in iter_modules(__path__):
        for runtime in getattr(import_module(f"{__name__}.{module.name}"), "RUNTIMES", ()):
            if runtime.id in found:
                message = f"two adapters call themselves {runtime.id!r}"
                raise ValueError(message)
            found[runtime.id] = runtime
    return dict(sorted(found.items(), key=lambda item: (item[0] != "host", item[0])))
