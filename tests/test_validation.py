"""All that a person writes, checked together; and the published schemas are those of the code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no stubs in our environment
import pytest
from ruamel.yaml import YAML

from evaluation.validation import SCHEMAS, validate, write_schemas

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "criteria.yaml", tmp_path)
    shutil.copytree(ROOT / "sites", tmp_path / "sites")
    return tmp_path


def found(
    project: Path,
    *,
    probes: set[str] | None = None,
    runtimes: set[str] | None = None,
    families: set[str] | None = None,
) -> list[str]:
    faults = validate(
        project / "criteria.yaml", project / "sites", probes=probes, runtimes=runtimes, families=families
    )
    return [f"{Path(fault.path).name}:{fault.line}: {fault.message}" for fault in faults]


def test_what_is_shipped_has_no_fault() -> None:
    assert validate(ROOT / "criteria.yaml", ROOT / "sites") == []


def test_faults_of_all_files_come_together(project: Path) -> None:
    criteria = (project / "criteria.yaml").read_text()
    (project / "criteria.yaml").write_text(criteria.replace("value: holm", "value: hulm"))
    for name in ("slac", "local"):
        path = project / "sites" / f"{name}.yaml"
        path.write_text(path.read_text().replace("title:", "titel:"))
    files = [line.split(":")[0] for line in found(project)]
    assert files == ["criteria.yaml", "local.yaml", "local.yaml", "slac.yaml", "slac.yaml"]


def test_a_site_may_speak_only_of_criteria_that_there_are(project: Path) -> None:
    rule = "policy: {knock_outs: [{criterion: setuid_plantin, when: FAILS, reason: r, source: s}]}\n"
    with (project / "sites" / "local.yaml").open("a") as file:
        file.write(rule)
    (message,) = found(project)
    assert message.endswith("unknown criterion 'setuid_plantin'; did you mean 'setuid_planting'?")


def test_files_that_are_not_there_are_faults_too(project: Path) -> None:
    (project / "criteria.yaml").unlink()
    shutil.rmtree(project / "sites")
    assert found(project) == [
        "criteria.yaml:1: No such file or directory",
        "sites:1: no site is described in this folder",
    ]


def test_what_probes_and_runtimes_there_are_can_be_told(project: Path) -> None:
    assert any("unknown probe" in message for message in found(project, probes={"cold_start"}))
    with (project / "sites" / "local.yaml").open("a") as file:
        file.write("runtimes: {dokcer: {}}\n")
    (message,) = found(project, runtimes={"docker"})
    assert "did you mean 'docker'?" in message


# ---- the published schemas -------------------------------------------------------------------------


def test_the_published_schemas_are_those_of_the_code(tmp_path: Path) -> None:
    for path in write_schemas(tmp_path / "docs"):
        assert (ROOT / "docs" / path.name).read_text() == path.read_text(), "run write_schemas(Path('docs'))"


def _plain(path: Path) -> Any:  # noqa: ANN401 - any document
    return YAML(typ="safe", pure=True).load(path.read_text())


def _schema(name: str) -> Any:  # noqa: ANN401 - any schema
    return json.loads((ROOT / "docs" / name).read_text())


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(_schema(name))


def test_an_editor_finds_the_shipped_files_good() -> None:
    jsonschema.validate(_plain(ROOT / "criteria.yaml"), _schema("criteria.schema.json"))
    for path in (ROOT / "sites").glob("*.yaml"):
        jsonschema.validate(_plain(path), _schema("site.schema.json"))


def test_an_editor_finds_an_unknown_key_and_a_wrong_word() -> None:
    data = _plain(ROOT / "criteria.yaml")
    data["wieghts"] = {}
    data["criteria"]["cold_start"]["group"] = "perfomance"
    errors = list(jsonschema.Draft202012Validator(_schema("criteria.schema.json")).iter_errors(data))
    assert len(errors) == 2
