"""The fields that may leave a site, each with what is done to it. What is not listed does not leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from evaluation.archive.hiding import Hider
from evaluation.errors import EvaluationError

__all__ = ["EVIDENCE", "MANIFEST", "OBSERVATION", "RESIDUE", "Rule", "Rules", "allowed"]


class Rule(StrEnum):
    """What is done to a value."""

    FIGURE = "figure"
    """A number or a truth value, as it is."""
    WORD = "word"
    """A name that this project gives (a probe, a unit, a site's id), as it is."""
    DIGEST = "digest"
    """A SHA-256 of what everybody may see, as it is."""
    MOMENT = "moment"
    """A date and time, as it is."""
    TEXT = "text"
    """Anything that was said: searched for what must not leave."""
    HOST = "host"
    """A host's name: always replaced."""
    KEYED = "keyed"
    """A digest that guesses could be tried against: hashed once more with the site's key."""


Rules = Rule | Mapping[str, "Rules"]
"""A rule, or rules by the name of a field; ``*`` for a mapping whose keys are names."""

_SHAPES: Final = {
    Rule.WORD: re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+%^*()/,-]{0,127}|"),
    Rule.DIGEST: re.compile(r"(sha256:)?[0-9a-f]{64}|"),
    Rule.MOMENT: re.compile(r"[0-9T:.+Z -]{0,40}"),
    Rule.KEYED: re.compile(r"[0-9a-f]{64}|"),
}

_F, _W, _D, _M, _T = Rule.FIGURE, Rule.WORD, Rule.DIGEST, Rule.MOMENT, Rule.TEXT

_FORM: Final[Rules] = {
    "runtime": _W,
    "form": _W,
    "reference": _T,
    "size_bytes": _F,
    "convert_s": _F,
    "digest": _D,
    "first_start_s": _F,
    "details": _T,
    "problem": _T,
    "made_by": _W,
}
_IMAGE: Final[Rules] = {
    "name": _W,
    "recipe": _T,
    "recipe_sha256": _D,
    "digest": _D,
    "tar_bytes": _F,
    "build_s": _F,
    "packages": _T,
    "wheels": _T,
    "forms": _FORM,
}
MANIFEST: Final[Mapping[str, Rules]] = {
    "format": _F,
    "site": _W,
    "run": _W,
    "profile": _W,
    "seed": _F,
    "plan": Rule.KEYED,
    "tool_version": _T,
    "started_at": _M,
    "measured_as": _T,
    "as_root": _F,
    "label": _T,
    "environment": _T,
    "host": {
        "system": _T,
        "kernel": _T,
        "architecture": _T,
        "cpu": _T,
        "cores": _F,
        "memory_bytes": _F,
        "cgroup": _T,
        "virtualisation": _T,
        "mitigations": _T,
        "lsm": _T,
    },
    "checks": {"what": _T, "state": _W, "sentence": _T, "file_system": _W, "costs": _T, "remedy": _T},
    "runtimes": {
        "id": _W,
        "family": _W,
        "mode": _T,
        "present": _F,
        "version": _T,
        "reason": _T,
        "advice": _T,
        "command": _T,
        "options": _T,
        "engine_options": _T,
        "adaptation": _T,
        "security": _T,
        "seen": _T,
        "impairment": _T,
        "role": _W,
        "timed": _F,
        "knob": {"of": _W, "options": _T, "effect": _W, "expected": _T},
    },
    "image": _IMAGE,
    "ladder": _IMAGE,
    "wanted": {"*": _D},
    "programs": {"component": _T, "version": _T, "package": _T, "changelog_read": _F, "mentioned": _T},
    "batch": {
        "engine": _W,
        "version": _T,
        "submitted_by": _W,
        "jobs": {"id": _T, "node": Rule.HOST},
        "remark": _T,
    },
    "failed": {"*": _T},
    "unavailable": {"*": _T},
}
OBSERVATION: Final[Mapping[str, Rules]] = {
    "probe": _W,
    "probe_version": _F,
    "runtime": _W,
    "block": _F,
    "order": _F,
    "name": _W,
    "value": _T,
    "unit": _W,
    "repetition": _F,
    "warm_up": _F,
    "evidence": _D,
    "image_digest": _D,
    "observed_at": _M,
}
EVIDENCE: Final[Mapping[str, Rules]] = {
    "id": _D,
    "argv": _T,
    "cwd": _T,
    "started_at": _M,
    "duration_s": _F,
    "exit_status": _F,
    "timed_out": _F,
    "stdout": _D,
    "stdout_bytes": _F,
    "stderr": _D,
    "stderr_bytes": _F,
    "cpu_s": _F,
    "max_rss_bytes": _F,
    "survivors": _T,
}
RESIDUE: Final[Mapping[str, Rules]] = {"looked_at": _M, "left": _T}


def allowed(value: Any, rules: Rules, hider: Hider, where: str) -> Any:  # noqa: ANN401 - as JSON is
    """Give of a value what may leave.

    Raises
    ------
    EvaluationError
        Something has not the shape that its field has: it is then not known what it is.
    """
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return [allowed(item, rules, hider, where) for item in value]
    if isinstance(rules, Mapping):
        if not isinstance(value, Mapping):
            raise _misshapen(where)
        if any_name := rules.get("*"):
            return {
                allowed(name, Rule.WORD, hider, where): allowed(item, any_name, hider, f"{where}.{name}")
                for name, item in value.items()
            }
        return {
            name: allowed(value[name], rule, hider, f"{where}.{name}")
            for name, rule in rules.items()
            if name in value
        }
    return _leaf(value, rules, hider, where)


def _leaf(value: object, rule: Rule, hider: Hider, where: str) -> object:
    if isinstance(value, bool | int | float) and rule in {Rule.FIGURE, Rule.TEXT}:
        return value
    if not isinstance(value, str):
        raise _misshapen(where)
    if rule is Rule.TEXT:
        return hider.text(value)
    if rule is Rule.HOST:
        return hider.name("host", value)
    shape = _SHAPES.get(rule)
    if shape is None or not shape.fullmatch(value):
        raise _misshapen(where)
    if rule is Rule.KEYED:
        return hider.keyed("digest", value) if value else value
    if rule is Rule.WORD and (name := hider.found_in(value)):
        raise EvaluationError(
            f"holds {name!r}, which is the name of a host or a user here",
            where=where,
            advice=f"If everybody may know it: --public {name}. Otherwise rename it and measure again.",
        )
    return value


def _misshapen(where: str) -> EvaluationError:
    return EvaluationError(
        "is not what stands in this field, so it is not known whether it may leave",
        where=where,
        advice="Nothing was written. Measure again with this version of the tool.",
    )
