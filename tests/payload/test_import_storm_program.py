import json
import subprocess
import sys
from pathlib import Path

import pytest

from evaluation.payload import import_storm

PROGRAM = Path(import_storm.__file__)


def test_everything_on_the_list_is_imported_once() -> None:
    done = subprocess.run([sys.executable, "-B", PROGRAM], capture_output=True, text=True, check=True)
    line, sentinel = map(json.loads, done.stdout.splitlines())
    assert sentinel == {"done": True}
    assert line["failed"] == []
    assert line["modules"] > len(import_storm.MODULES)
    assert line["modules"] >= line["files"] >= line["compiled"]
    assert line["elapsed_ns"] > 0


def test_the_list_holds_no_name_twice() -> None:
    assert len(import_storm.MODULES) == len(set(import_storm.MODULES))


def test_what_does_not_import_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_storm, "MODULES", ["json", "no_such_module"])
    assert import_storm.import_all()["failed"] == ["no_such_module"]


def test_another_program_takes_its_place_and_has_the_last_word() -> None:
    words = [sys.executable, "-B", str(PROGRAM), "then", sys.executable, "-c", "print('and', 'then')"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    line, last = done.stdout.splitlines()
    assert json.loads(line)["what"] == "imports"
    assert last == "and then"
