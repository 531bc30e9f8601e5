"""The Release Manager's commands: what they write down, and what they say of what came out otherwise."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from evaluation import releasing
from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage
from evaluation.images.recipe import load_recipe
from evaluation.ledger import read_ledger
from evaluation.measure.user import ourselves

PROJECT = Path(__file__).parents[1]


class Shelf:
    """Plays the machine's built images, by name; ``again`` is what building anew comes to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.built: dict[str, BuiltImage] = {}
        self.again: BuiltImage | None = None

    def put(
        self, name: str, files: dict[str, str], *, packages: tuple[str, ...], where: str = ""
    ) -> BuiltImage:
        place = self.folder / (where or name)
        place.mkdir()
        with tarfile.open(place / "image.tar", "w", format=tarfile.GNU_FORMAT) as tar:
            for path, text in files.items():
                item = tarfile.TarInfo(f"./{path}")
                item.size = len(text)
                tar.addfile(item, io.BytesIO(text.encode()))
        (place / "built.json").write_text("{}")
        digest = (json.dumps(files).encode().hex() * 64)[-66:-2]
        made = BuiltImage(
            name=name, recipe_sha256=load_recipe(PROJECT / "images", name).sha256, tar_sha256=digest,
            tar_bytes=10, build_s=2.0, packages=packages, builder=("umoci=0.4",), folder=str(place),
        )  # fmt: skip
        if not where:
            self.built[name] = made
        return made


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A project with the recipes and without ledgers, on a machine whose images are made up."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT / "images", project / "images", ignore=shutil.ignore_patterns("ledger.jsonl"))
    shutil.copytree(PROJECT / "sites", project / "sites")
    (project / "criteria.yaml").write_text("")
    monkeypatch.chdir(project)
    found = Shelf(tmp_path)

    @contextmanager
    def again(name: str, launcher: object) -> Iterator[BuiltImage]:
        assert launcher
        yield found.again or found.built[name]

    monkeypatch.setattr(releasing, "measuring_user", lambda _: ourselves())
    monkeypatch.setattr(releasing, "built_image", lambda name, *_: found.built[name])
    monkeypatch.setattr(releasing, "kept_image", lambda _recipe, name, _cache: found.built.get(name))
    monkeypatch.setattr(releasing, "_built_again", again)
    return found


def recorded(*names: str) -> list[str]:
    return list(releasing.keep(names, site="local", user="", forms=False))


def test_a_build_is_written_once(shelf: Shelf) -> None:
    shelf.put("small", {"a": "1"}, packages=("gdb=1",))
    assert recorded("small") == ["small: written into images/small/ledger.jsonl"]
    assert "in the ledger already" in recorded("small")[0]
    (row,) = read_ledger(Path("images"), "small")
    assert (row.tar_sha256, row.why, row.flavour) == (shelf.built["small"].tar_sha256, "build", "minimal")
    shelf.built["small"] = replace(shelf.built["small"], packages=("gdb=2",))
    assert "written" in recorded("small")[0]
    assert len(read_ledger(Path("images"), "small")) == 2


def test_the_ledger_tells_what_it_knows_and_what_it_does_not(shelf: Shelf) -> None:
    shelf.put("small", {"a": "1"}, packages=("gdb=1",))
    recorded("small")
    lines = releasing.ledger().splitlines()
    assert any(line.startswith("small ") and "1\N{NO-BREAK SPACE}package" in line for line in lines)
    assert any(line.startswith("med ") and "evaluation image record med" in line for line in lines)
    assert "held by                  no site" in releasing.ledger("small")
    assert "is not in the ledger" in releasing.ledger("med")


def test_drift_says_whether_the_same_bytes_came_out(shelf: Shelf) -> None:
    shelf.put("small", {"a": "1", "b": "2"}, packages=("gdb=1", "kept=1"))
    recorded("small")
    told, same = releasing.drift((), user="", write=False)
    assert same
    assert "the same, bit for bit" in told
    shelf.again = shelf.put("small", {"a": "1", "b": "3"}, packages=("gdb=2", "kept=1"), where="again")
    told, same = releasing.drift(("small",), user="", write=True)
    assert not same
    assert "packages changed: 1\n    gdb 1 -> 2" in told
    assert "files changed: 1\n    /b" in told
    assert [row.why for row in read_ledger(Path("images"), "small")] == ["build", "drift"]
    shelf.built.clear()
    shelf.again = replace(shelf.again, tar_sha256="0" * 64)
    assert "files: not compared" in releasing.drift(("small",), user="", write=False)[0]
    with pytest.raises(EvaluationError, match="med is not in the ledger"):
        releasing.drift(("med",), user="", write=False)


def test_two_images_are_compared_by_packages_and_where_they_are_here_by_files(shelf: Shelf) -> None:
    shelf.put("small", {"a": "1"}, packages=("gdb=1",))
    shelf.put("med", {"a": "1", "new": "x"}, packages=("gdb=1", "gcc=3"))
    recorded("small", "med")
    told = releasing.diff("small", "med", user="")
    assert "gcc 3" in told
    assert "files added: 1\n    /new" in told
    first = read_ledger(Path("images"), "med")[0].tar_sha256
    del shelf.built["med"]
    assert "files: not compared, for med is not built here" in releasing.diff("small", "med", user="")
    assert "packages added" in releasing.diff("small", f"med@{first[:8]}", user="")
    with pytest.raises(EvaluationError, match="nothing is known of large"):
        releasing.diff("small", "large", user="")


def test_the_bill_of_materials_takes_its_time_from_the_environment(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    shelf.put("med", {"a": "1"}, packages=("gdb=1",))
    recorded("med")
    text = releasing.sbom("med")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert "pkg:pypi/numpy@" in text
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert json.loads(releasing.sbom("med"))["metadata"]["timestamp"].startswith("1970-01-01")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(EvaluationError, match="no number of seconds"):
        releasing.sbom("med")
    with pytest.raises(EvaluationError, match="small is not in the ledger"):
        releasing.sbom("small")
