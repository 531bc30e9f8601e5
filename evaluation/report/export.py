"""Findings for other tools: as CSV for a table, as JSON for a script, as SARIF for a security scanner's view.

Nothing is decided here. Whether an exposure matters is the site's and the use case's word; the level of a
result in SARIF is the severity that the attempt itself states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from evaluation import __version__
from evaluation.model import CONTROL, CONTROL_AGAIN, Finding, Outcome, ProbeTexts, Severity
from evaluation.report import spreadsheet

__all__ = ["COLUMNS", "FORMATS", "as_csv", "as_json", "as_sarif"]

COLUMNS: Final = ("site", "run", "runtime", "probe", "checklist_id", "outcome", "verdict", "message")
"""Of a row; what later versions add comes behind them."""

_SECURITY: Final = "security"
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def as_csv(findings: Sequence[Finding]) -> str:
    """Write one line per finding, under a line with the names of the columns."""
    return spreadsheet.as_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in _rows(findings)))


def as_json(findings: Sequence[Finding]) -> str:
    """Write a list of objects with the columns as keys."""
    return json.dumps(_rows(findings), indent=1, ensure_ascii=False) + "\n"


def as_sarif(findings: Sequence[Finding]) -> str:
    """Write the security attempts in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS).

    One SARIF run per site and run, one rule per attempt, one result per attempt and runtime. What was
    exposed is of kind ``fail`` with the level of its severity: ``error`` for high, ``warning`` for medium,
    ``note`` for low, and ``warning`` where none is stated. What was denied is of kind ``pass``, what is
    absent ``notApplicable``, and what shows nothing (inert, broken, unavailable) ``open``: it is no pass.
    The bare host is the control, not an alternative; its results are ``informational``.
    """
    attempts = [item for item in findings if item.texts.group == _SECURITY and item.runtime != CONTROL_AGAIN]
    runs: dict[tuple[str, str], list[Finding]] = {}
    for item in attempts:
        runs.setdefault((item.site, item.run), []).append(item)
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_sarif_run(*key, runs[key]) for key in runs]}
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


FORMATS: Final[Mapping[str, Callable[[Sequence[Finding]], str]]] = MappingProxyType(
    {"csv": as_csv, "json": as_json, "sarif": as_sarif}
)
"""The writers, by the name of their format."""


def _rows(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [
        {
            "site": item.site,
            "run": item.run,
            "runtime": item.runtime,
            "probe": item.probe,
            "checklist_id": item.texts.checklist_id,
            "outcome": item.outcome.value,
            "verdict": item.verdict,
            "message": item.message,
        }
        for item in findings
    ]


def _sarif_run(site: str, run: str, findings: Sequence[Finding]) -> dict[str, object]:
    texts = {item.probe: item.texts for item in findings}
    places = {probe: place for place, probe in enumerate(texts)}
    return {
        "tool": {
            "driver": {
                "name": "container-evaluation",
                "version": __version__,
                "rules": [_rule(probe, texts[probe]) for probe in texts],
            }
        },
        "automationDetails": {"id": f"{site}/{run}"},
        "results": [_result(item, places[item.probe]) for item in findings],
    }


def _rule(probe: str, texts: ProbeTexts) -> dict[str, object]:
    rule: dict[str, object] = {
        "id": probe,
        "shortDescription": {"text": texts.question},
        "defaultConfiguration": {"level": _level(texts)},
        "properties": {
            "checklist_id": texts.checklist_id,
            "severity": texts.severity.value if texts.severity else "",
            "severity_reason": texts.severity_reason,
            "references": [f"{item.title} {item.url}".strip() for item in texts.references],
        },
    }
    # An empty text is no message in this format.
    rule |= {
        key: {"text": text} for key, text in (("fullDescription", texts.why), ("help", texts.remedy)) if text
    }
    return rule


def _result(finding: Finding, place: int) -> dict[str, object]:
    kind = _kind(finding)
    return {
        "ruleId": finding.probe,
        "ruleIndex": place,
        "kind": kind,
        "level": _level(finding.texts) if kind == "fail" else "none",
        "message": {"text": finding.message or finding.outcome.value},
        "locations": [
            {
                "logicalLocations": [
                    {
                        "name": finding.runtime,
                        "fullyQualifiedName": f"{finding.site}/{finding.run}/{finding.runtime}",
                    }
                ]
            }
        ],
        "partialFingerprints": {"attempt/v1": f"{finding.site}/{finding.runtime}/{finding.probe}"},
        "properties": {
            "checklist_id": finding.texts.checklist_id,
            "outcome": finding.outcome.value,
            "verdict": finding.verdict,
            "against_host": str(finding.delta or ""),
            "evidence": list(finding.evidence),
        },
    }


def _kind(finding: Finding) -> str:
    if finding.runtime == CONTROL:
        return "informational"
    if finding.outcome is Outcome.FAILS:
        return "fail"
    if finding.verdict == "ABSENT" or finding.outcome is Outcome.UNSUPPORTED:
        return "notApplicable"
    return "pass" if finding.outcome is Outcome.HOLDS else "open"


def _level(texts: ProbeTexts) -> str:
    return _LEVELS[texts.severity] if texts.severity else "warning"
