"""The dependency list stands three times: for pip, for its lock, for conda."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]

CONDA_NAMES = {"docker": "docker-py"}
"""Where conda-forge calls a package otherwise."""

FOR_CONDA_ALONE = {"python", "pip"}


def project() -> dict[str, list[str]]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"run": table["dependencies"], "dev": table["optional-dependencies"]["dev"]}


def parted(requirement: str) -> tuple[str, str]:
    found = re.fullmatch(r"([A-Za-z0-9._-]+)([<>]=?.*)?", requirement)
    assert found, requirement
    return found[1], found[2] or ""


def plain(name: str) -> str:
    """Spell a package's name as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_conda_users_get_the_same_dependencies() -> None:
    listed = YAML(typ="safe").load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(item["pip"] for item in listed if isinstance(item, dict))
    plainly = [*(item for item in listed if isinstance(item, str)), *by_pip]
    conda = dict(parted(item) for item in plainly if not item.startswith("--"))
    ours = dict(parted(item) for item in project()["run"])
    ours["pytest"] = dict(parted(item) for item in project()["dev"])["pytest"]
    wanted = {CONDA_NAMES.get(name, name): bound for name, bound in ours.items()}
    assert {name: bound for name, bound in conda.items() if name not in FOR_CONDA_ALONE} == wanted


def test_the_packages_the_mission_names_are_there() -> None:
    names = {parted(item)[0] for group in project().values() for item in group}
    assert names >= {"jupyter", "nbconvert", "pandas", "papermill", "spython", "pytest"}


def test_every_dependency_is_pinned_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {
        name.lower().replace("_", "-") for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)
    }
    for group in project().values():
        for item in group:
            assert plain(parted(item)[0]) in pinned, item
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock.strip())
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_lock_names_no_place_to_download_from() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert not re.search(r"^--", lock, re.MULTILINE)
