"""Findings for other tools: the columns, and what a reader of SARIF relies on."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no stubs in our environment
import pytest
from synthetic_findings import ATTEMPTS, RUN, SITE, Findings

from evaluation.model import CONTROL_AGAIN, Delta, Finding, Outcome, Severity
from evaluation.report.export import COLUMNS, as_csv, as_json, as_sarif

FINDINGS = Findings(blocks=3, note=' "a", b;\nc').items

MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
    "additionalProperties": False,
}
# What SARIF 2.1.0 asks of the parts that are used here, in sections 3.13, 3.14, 3.19, 3.27, 3.49 and 3.50.
SARIF = {
    "type": "object",
    "additionalProperties": False,
    "required": ["$schema", "version", "runs"],
    "properties": {
        "$schema": {"type": "string"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "run": {
            "type": "object",
            "additionalProperties": False,
            "required": ["tool", "results"],
            "properties": {
                "tool": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["driver"],
                    "properties": {
                        "driver": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["name"],
                            "properties": {
                                "name": {"type": "string"},
                                "version": {"type": "string"},
                                "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
                            },
                        }
                    },
                },
                "automationDetails": {"type": "object"},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "rule": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id"],
            "properties": {
                "id": {"type": "string"},
                "shortDescription": MESSAGE,
                "fullDescription": MESSAGE,
                "help": MESSAGE,
                "defaultConfiguration": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"level": {"$ref": "#/$defs/level"}},
                },
                "properties": {"type": "object"},
            },
        },
        "result": {
            "type": "object",
            "additionalProperties": False,
            "required": ["message"],
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
                "level": {"$ref": "#/$defs/level"},
                "message": MESSAGE,
                "locations": {"type": "array"},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "properties": {"type": "object"},
            },
            # 3.27.10: a result that is no failure has no level.
            "if": {"properties": {"kind": {"const": "fail"}}},
            "else": {"properties": {"level": {"const": "none"}}},
        },
    },
}


def sarif(*findings: Finding) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(as_sarif(findings))
    jsonschema.Draft202012Validator(SARIF).validate(log)
    return log


def result(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any]
    ((found,),) = (run["results"] for run in sarif(finding)["runs"])
    return found


def attempt(runtime: str, probe: str) -> Finding:
    (found,) = (item for item in FINDINGS if (item.runtime, item.probe) == (runtime, probe))
    return found


def severe(finding: Finding, severity: Severity) -> Finding:
    return replace(finding, texts=replace(finding.texts, severity=severity, severity_reason="made up"))


def test_the_columns_are_the_promised_ones_and_every_finding_has_its_row() -> None:
    text = as_csv(FINDINGS)
    assert text.splitlines()[0] == "site,run,runtime,probe,checklist_id,outcome,verdict,message"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [tuple(row) for row in rows] == [COLUMNS] * len(FINDINGS)
    assert rows == json.loads(as_json(FINDINGS))
    (row,) = (row for row in rows if (row["runtime"], row["probe"]) == ("docker", "setuid_planting"))
    assert row == {
        "site": SITE,
        "run": RUN,
        "runtime": "docker",
        "probe": "setuid_planting",
        "checklist_id": "P15",
        "outcome": "FAILS",
        "verdict": "EXPOSED",
        "message": 'The effect was seen. "a", b;\nc',
    }


def test_without_findings_there_are_still_columns_and_a_valid_log() -> None:
    assert as_csv(()) == ",".join(COLUMNS) + "\n"
    assert json.loads(as_json(())) == []
    assert sarif()["runs"] == []


def test_the_log_has_the_attempts_and_nothing_else() -> None:
    (run,) = sarif(*FINDINGS)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {(rule["id"], rule["properties"]["checklist_id"]) for rule in rules} == {
        (probe, number) for probe, (number, _) in ATTEMPTS.items()
    }
    assert len(run["results"]) == len(ATTEMPTS) * 7
    for item in run["results"]:
        assert rules[item["ruleIndex"]]["id"] == item["ruleId"]
        assert item["properties"]["checklist_id"] == ATTEMPTS[item["ruleId"]][0]
    fingerprints = [item["partialFingerprints"]["attempt/v1"] for item in run["results"]]
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.parametrize(
    ("severity", "level"),
    [(Severity.HIGH, "error"), (Severity.MEDIUM, "warning"), (Severity.LOW, "note")],
)
def test_an_exposure_has_the_level_of_its_severity(severity: Severity, level: str) -> None:
    found = result(severe(attempt("docker", "setuid_planting"), severity))
    assert (found["kind"], found["level"]) == ("fail", level)
    assert result(severe(attempt("podman", "setuid_planting"), severity))["level"] == "none"


def test_an_exposure_without_a_stated_severity_is_a_warning() -> None:
    found = attempt("docker", "setuid_planting")
    assert result(replace(found, texts=replace(found.texts, severity=None)))["level"] == "warning"


@pytest.mark.parametrize(
    ("outcome", "verdict", "kind"),
    [
        (Outcome.HOLDS, "DENIED", "pass"),
        (Outcome.HOLDS, "ABSENT", "notApplicable"),
        (Outcome.FAILS, "EXPOSED", "fail"),
        (Outcome.UNSUPPORTED, "", "notApplicable"),
        (Outcome.INERT, "INERT", "open"),
        (Outcome.ERROR, "ERROR", "open"),
        (Outcome.UNAVAILABLE, "", "open"),
    ],
)
def test_what_shows_nothing_is_no_pass(outcome: Outcome, verdict: str, kind: str) -> None:
    found = replace(attempt("docker", "setuid_planting"), outcome=outcome, verdict=verdict)
    assert result(found)["kind"] == kind
    assert result(replace(found, runtime="host"))["kind"] == "informational"


def test_a_result_says_what_the_runtime_changed() -> None:
    both = [
        replace(attempt(runtime, "grid_proxy_exposure"), delta=delta)
        for runtime, delta in (("host", None), ("docker", Delta.TAKEN_AWAY), ("apptainer", Delta.SAME))
    ]
    ((control, docker, apptainer),) = (run["results"] for run in sarif(*both)["runs"])
    assert control["properties"]["against_host"] == ""
    assert docker["properties"]["against_host"] == "the runtime took this away"
    assert apptainer["properties"]["against_host"] == "as on the host"


def test_each_run_of_each_site_stands_for_itself() -> None:
    here = attempt("docker", "setuid_planting")
    there = replace(here, site="elsewhere")
    ids = [run["automationDetails"]["id"] for run in sarif(here, there, replace(here, run="later"))["runs"]]
    assert ids == [f"{SITE}/{RUN}", f"elsewhere/{RUN}", f"{SITE}/later"]


def test_the_second_control_arm_is_no_result() -> None:
    again = replace(attempt("host", "setuid_planting"), runtime=CONTROL_AGAIN)
    assert sarif(again)["runs"] == []


def test_texts_that_are_empty_are_left_out_and_messages_never_are() -> None:
    found = attempt("docker", "setuid_planting")
    log = sarif(replace(found, message="", texts=replace(found.texts, why="", remedy="")))
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert not {"fullDescription", "help"} & rule.keys()
