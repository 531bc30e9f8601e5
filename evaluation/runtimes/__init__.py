"""Adapters: one file per family, pure argv builders, found by file."""

from __future__ import annotations

from pkgutil import iter_modules

from evaluation.errors import EvaluationError
from evaluation.loading import imported
from evaluation.runtimes.base import Runtime

__all__ = ["known_runtimes"]


def known_runtimes() -> dict[str, Runtime]:
    """Every runtime this project has an adapter for, by id: the control first, then by name.

    Raises
    ------
    EvaluationError
        An adapter cannot be imported, or has another's id.
    """
    found: dict[str, Runtime] = {}
    for module in iter_modules(__path__):
        name = f"{__name__}.{module.name}"
        for runtime in getattr(imported(name, "this adapter"), "RUNTIMES", ()):
            if runtime.id in found:
                raise EvaluationError(
                    f"two adapters call themselves {runtime.id!r}",
                    where=f"{name.replace('.', '/')}.py",
                    advice="Give one of them another id.",
                )
            found[runtime.id] = runtime
    return dict(sorted(found.items(), key=lambda item: (item[0] != "host", item[0])))
