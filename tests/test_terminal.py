"""Nothing that strangers wrote steers a terminal, whichever command prints it."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from click.testing import CliRunner
from test_options import COMMANDS

from evaluation import commands, guiding, planting, releasing, reviewing, sending, sitework
from evaluation.cli import main
from evaluation.errors import Fault
from evaluation.measure.conformance import Result
from evaluation.model import Outcome
from evaluation.notebook import _Redrawing
from evaluation.store import Run

ROOT = Path(__file__).parents[1]
HOSTILE = "a\x1b[2Jb\x07c\x9b2Jd\u202ee\x7ff"
SEEN = "a<U+001B>[2Jb<U+0007>c<U+009B>2Jd<U+202E>e<U+007F>f"
PATH = ROOT / HOSTILE


def guided(*_: object, say: Callable[[str], None], **__: object) -> SimpleNamespace:
    say(HOSTILE)
    return SimpleNamespace(manifest=SimpleNamespace(failed={}))


ANSWERS = {
    "calibrate security": (commands, "calibrate_security", (HOSTILE, ())),
    "calibrate timing": (commands, "calibrate_timing", ("", (HOSTILE,))),
    "compare": (reviewing, "compare", HOSTILE),
    "compress": (reviewing, "compress", HOSTILE),
    "conform": (
        commands,
        "conform",
        [Result(runtime="docker", check="start", outcome=Outcome.HOLDS, message=HOSTILE)],
    ),
    "docs": (commands, "docs", [PATH]),
    "doctor": (
        commands,
        "doctor",
        SimpleNamespace(as_text=lambda **_: HOSTILE, as_json=lambda: {"a": HOSTILE}),
    ),
    "findings": (commands, "findings", HOSTILE),
    "image build": (
        commands,
        "image_build",
        SimpleNamespace(tar_bytes=1, build_s=1.0, folder=HOSTILE),
    ),
    "image clean": (commands, "images", HOSTILE),
    "image diff": (releasing, "diff", HOSTILE),
    "image drift": (releasing, "drift", (HOSTILE, True)),
    "image ledger": (releasing, "ledger", HOSTILE),
    "image list": (commands, "images", HOSTILE),
    "image record": (releasing, "keep", [HOSTILE]),
    "image sbom": (releasing, "sbom", HOSTILE),
    "guide": (guiding, "guide", guided),
    "import archive": (sending, "import_archive", HOSTILE),
    "import docker-bench": (reviewing, "import_docker_bench", HOSTILE),
    "plant": (planting, "plant", SimpleNamespace(parent=PATH)),
    "probe": (commands, "probe", (HOSTILE, ())),
    "report": (commands, "report", PATH),
    "run": (commands, "run", PATH),
    "site check": (sitework, "check", (HOSTILE, True)),
    "site new": (sitework, "new", PATH),
    "site pack": (sending, "pack", HOSTILE),
    "site page": (reviewing, "site_page", PATH),
    "sweep": (commands, "sweep", HOSTILE),
    "validate": (commands, "validate", [Fault(path="sites/a.yaml", line=1, column=1, message=HOSTILE)]),
    "verify": (reviewing, "verify", HOSTILE),
    "weights diff": (reviewing, "weights_diff", HOSTILE),
    "weights set": (reviewing, "weights_set", HOSTILE),
    "weights show": (reviewing, "weights_show", HOSTILE),
}
"""What each command would print, as if the machine, a file or a run had said it: fakes of what it calls."""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_lets_foreign_text_steer_the_terminal(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, name, answer = ANSWERS[" ".join(words).replace("images ", "image ")]
    monkeypatch.setattr(module, name, answer if callable(answer) else lambda *_, **__: answer)
    monkeypatch.setattr(Run, "manifest", SimpleNamespace(failed={}))
    monkeypatch.chdir(ROOT)
    said = [*words]
    for parameter in COMMANDS[words].params:
        if parameter.required or "[required]" in (getattr(parameter, "help", "") or ""):
            value = __file__ if parameter.type.name in {"path", "file"} else "docker=1"
            said += [*([parameter.opts[-1]] if parameter.opts[-1].startswith("-") else []), value]
    told = CliRunner().invoke(main, said)
    assert SEEN in told.output
    assert not {*HOSTILE} & {*"\x1b\x07\x9b\u202e\x7f"} & {*told.output}


def test_no_command_prints_past_the_one_that_makes_text_visible() -> None:
    """Text that is printed elsewhere is our own: how far a measurement is, and what click asks."""
    printing = {"echo", "secho", "echo_via_pager", "print", "write", "writelines"}
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "evaluation" / "cli").glob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef) and function.name != "say"
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""))
        in printing
    ]
    assert found == []


def test_what_a_run_warns_of_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    manifest = SimpleNamespace(payload_problem=HOSTILE, failed={"40_scaling": HOSTILE})
    commands._warn_of_failures(cast("Run", SimpleNamespace(manifest=manifest)))
    assert capsys.readouterr().out.count(SEEN) == 2


def test_what_a_notebook_prints_does_not_steer_the_terminal() -> None:
    terminal = io.StringIO()
    _Redrawing(terminal).write(f"{HOSTILE}\n")
    assert terminal.getvalue() == f"{SEEN}\n"
