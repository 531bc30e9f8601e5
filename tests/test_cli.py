"""The command line: what each command needs, what it ends with, and what it says when something is wrong."""

from __future__ import annotations

import csv
import errno
import io
import json
import logging
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from made_up_run import LABEL, manifest, observation

from evaluation import __version__, cli, commands
from evaluation.decide.criteria import load_criteria
from evaluation.decide.findings import findings_of
from evaluation.errors import EvaluationError
from evaluation.images.recipe import list_images
from evaluation.measure import discovery
from evaluation.measure.user import ourselves
from evaluation.planting import Lack
from evaluation.runtimes import known_runtimes
from evaluation.store import Run, RuntimeFacts, Turn

ROOT = Path(__file__).parents[1]
COMMANDS = [
    "calibrate",
    "compare",
    "compress",
    "conform",
    "docs",
    "doctor",
    "findings",
    "guide",
    "image",
    "images",
    "import",
    "plant",
    "probe",
    "report",
    "run",
    "site",
    "sweep",
    "validate",
    "verify",
    "weights",
]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def evaluation(*words: str) -> Result:
    result = CliRunner().invoke(cli.main, list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """One finished run, made up and labelled so: the bare host twice, and Docker half as fast."""
    docker = RuntimeFacts(id="docker", family="docker", mode="made up", present=True, version="made up")
    made_up = manifest()
    made_up = made_up.model_copy(update={"runtimes": (*made_up.runtimes, docker)})
    run = Run.create(tmp_path / "results", made_up)
    for block in range(25):
        for order, (arm, seconds) in enumerate((("host", 0.01), ("host-again", 0.01), ("docker", 0.02))):
            value = seconds * (1 + 0.01 * (block % 5))
            turn = Turn(probe="cold_start", runtime=arm, block=block)
            taken = observation(block, arm, order=order, value=value, warm_up=block == 0)
            run.append(turn, [taken], [])
    run.finish("2026-01-01T00:00:00.000+00:00")
    return tmp_path / "results"


def project_in(folder: Path) -> Path:
    """Copy the files that people write."""
    for name in ("sites", "images", "workloads"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("criteria.yaml", "advisories.yaml", "costs.yaml", "inventory.yaml", "scaling.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder


# -- help --------------------------------------------------------------------------------------------


def test_every_command_is_listed() -> None:
    told = evaluation("--help")
    assert told.exit_code == 0
    assert [name for name in COMMANDS if f"\n  {name} " in told.output] == COMMANDS
    assert sorted(cli.main.commands) == COMMANDS
    assert evaluation("--version").output.strip().endswith(__version__)


@pytest.mark.parametrize(
    "words",
    [[name] for name in COMMANDS]
    + [["calibrate", "timing"], ["calibrate", "security"], ["image", "list"], ["image", "clean"]]
    + [["weights", "set"], ["weights", "diff"], ["import", "docker-bench"]],
    ids=" ".join,
)
def test_every_help_says_what_it_needs(words: list[str]) -> None:
    told = evaluation(*words, "--help")
    assert told.exit_code == 0
    assert "Needs " in told.output


@pytest.mark.parametrize(
    "words",
    [
        *(["probe"], ["probe", "cold_start"], ["run", "--nonsense"], ["nonsense"]),
        *(["sweep", "--max", "0"], ["sweep", "--repeats", "-1"], ["sweep", "--budget", "-1"]),
        ["calibrate", "security", "--repeats", "0"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_ends_with_2(words: list[str]) -> None:
    told = evaluation(*words)
    assert told.exit_code == 2
    assert "Usage: " in told.output


# -- errors ------------------------------------------------------------------------------------------


def test_what_a_user_can_act_on_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str, **__: object) -> None:
        message = "it went wrong"
        raise EvaluationError(message, where="somewhere", advice="mend it")

    monkeypatch.setattr(commands, "doctor", fail)
    told = evaluation("doctor")
    assert told.exit_code == 1
    assert told.stderr == "evaluation: somewhere: it went wrong\n  mend it\n"
    assert told.stdout == ""


def test_a_reason_from_outside_does_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str, **__: object) -> None:
        raise EvaluationError("docker says \x1b]0;owned\x07\x1b[2J\u202e", where="docker")

    monkeypatch.setattr(commands, "doctor", fail)
    told = evaluation("doctor").stderr
    assert told == "evaluation: docker: docker says <U+001B>]0;owned<U+0007><U+001B>[2J<U+202E>\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/a"),
            "the disk or the quota is full (/a): No space",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "/a/b"),
            "/a/b: Permission denied\n  Whoever runs",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/a/b"),
            "/a/b: Read-only file system\n  Whoever runs",
        ),
    ],
)
def test_what_the_system_refuses_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: OSError, said: str
) -> None:
    def fail(_: str, **__: object) -> None:
        raise error

    monkeypatch.setattr(commands, "doctor", fail)
    told = evaluation("doctor")
    assert told.exit_code == 1
    assert told.stderr.startswith(f"evaluation: {said}")


CLOSED = "/sys/kernel"
"""A folder in which nobody can make a file, root neither."""


@pytest.mark.parametrize(
    "words",
    [["run", "--runtime", "none"], ["calibrate", "timing"], ["sweep"]],
    ids=" ".join,
)
def test_results_that_cannot_be_written_to_are_named_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(commands, "validate", lambda **_: [])
    told = evaluation(*words, "--results", CLOSED)
    assert told.exit_code == 1
    assert told.stderr.startswith(f"evaluation: {CLOSED}: this folder cannot be written to: ")
    assert told.stderr.endswith("\n  Name another folder for the results: --results FOLDER.\n")


def test_what_has_no_answer_without_root_is_said_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lack = Lack(what="files of root's", why="no canary is here", advice="An administrator plants it.")
    monkeypatch.setattr(commands, "lacking", lambda: (lack,))

    def measuring(*_: object) -> Run:
        message = "it would be measured now"
        raise EvaluationError(message)

    monkeypatch.setattr(commands, "take_steps", measuring)
    words = ("--site", "local", "--profile", "trial", "--runtime", "none", "--results", str(tmp_path))
    told = evaluation("run", *words)
    assert "it would be measured now" in told.stderr
    assert (
        "no answer about files of root's: no canary is here\n  An administrator plants it.\n" in told.stdout
    )


def test_a_report_that_cannot_be_written_names_its_folder(results: Path) -> None:
    told = evaluation("report", "--results", str(results), "--output", f"{CLOSED}/report.html")
    assert told.exit_code == 1
    assert told.stderr.startswith(f"evaluation: {CLOSED}: this folder cannot be written to: ")
    assert "--output" in told.stderr


def test_a_page_that_cannot_be_made_leaves_nothing_behind(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise EvaluationError("would ask another host", where="report")

    monkeypatch.setattr("evaluation.notebook.execute", lambda *_, **__: "")
    monkeypatch.setattr(commands, "render", fail)
    assert "would ask another host" in evaluation("report", "--results", str(results)).stderr
    assert sorted(path.name for path in results.iterdir()) == ["local"]


def test_an_answer_is_written_into_a_folder_that_is_not_there_yet(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "answer.md"
    told = evaluation("report", "--results", str(results), "--format", "md", "--output", str(target))
    assert told.exit_code == 0
    assert target.read_text().startswith("#")


def test_what_is_our_fault_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(commands, "doctor", fail)
    with pytest.raises(ZeroDivisionError):
        evaluation("doctor")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_in_good_order(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(logging, "disable", lambda: None)
    monkeypatch.setattr(commands, "doctor", lambda *_, **__: os.kill(os.getpid(), number))
    told = evaluation("doctor")
    assert told.exit_code == 128 + number
    assert "interrupted; what was measured is kept, run again to resume" in told.stderr
    assert {each: signal.getsignal(each) for each in before} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["doctor", "--site", "slca"], "unknown site 'slca'; did you mean 'slac'?"),
        (["run", "--site", "nowhere"], "unknown site 'nowhere'; there are: "),
        (["run", "--profile", "ful"], "there is no profile 'ful'"),
        (
            ["run", "--runtime", "docker", "--runtime", "podmann"],
            "unknown runtime 'podmann'; did you mean 'podman'?",
        ),
        (["probe", "cold_start", "--runtime", "dokcer"], "unknown runtime 'dokcer'; did you mean 'docker'?"),
        (
            ["probe", "cold_stat", "--runtime", "docker"],
            "there is no probe 'cold_stat'\n  did you mean cold_start",
        ),
        (["image", "list", "--site", "slca"], "unknown site 'slca'"),
        (["report", "--criteria", "nowhere.yaml"], "nowhere.yaml"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_name_is_told_the_right_ones(tmp_path: Path, words: list[str], message: str) -> None:
    if words[0] in {"run", "report"}:
        words = [*words, "--results", str(tmp_path / "results")]
    told = evaluation(*words)
    assert (told.exit_code, message in told.stderr) == (1, True), told.stderr
    assert not (tmp_path / "results").exists()


def test_outside_of_the_project_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for words in (["doctor"], ["validate"], ["docs"], ["report"], ["run"], ["image", "list"]):
        told = evaluation(*words)
        assert told.exit_code == 1
        assert "no criteria.yaml here or in a folder above" in told.stderr


def test_a_runtime_that_is_not_here_says_so_at_once() -> None:
    if shutil.which("shifter"):
        pytest.skip("Shifter is here")
    told = evaluation("probe", "cold_start", "--runtime", "shifter")
    assert told.exit_code == 1
    if "root does not measure" not in told.stderr:
        assert "shifter: not installed" in told.stderr
        assert "no package registry" in told.stderr


# -- doctor, validate, docs --------------------------------------------------------------------------


def test_the_doctor_speaks_to_people_and_to_scripts() -> None:
    told = evaluation("doctor", "--json")
    assert told.exit_code == 0
    found = {runtime["id"]: runtime for runtime in json.loads(told.stdout)["runtimes"]}
    assert list(found) == list(known_runtimes())
    assert found["host"]["present"] is True
    assert evaluation("doctor").stdout.count("\n") >= len(found)


def test_the_projects_own_files_are_in_order() -> None:
    assert evaluation("validate").exit_code == 0
    assert evaluation("docs", "--check").output == ""


def test_every_fault_at_once_with_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(project_in(tmp_path))
    assert evaluation("validate").exit_code == 0
    for name, right, wrong in (
        ("criteria.yaml", "method:", "metod:"),
        ("sites/slac.yaml", "title:", "titel:"),
        ("images/small/image.yaml", "suite:", "siute:"),
    ):
        path = tmp_path / name
        path.write_text(path.read_text().replace(f"\n{right}", f"\n{wrong}", 1))
        line = path.read_text().splitlines().index(next(
            line for line in path.read_text().splitlines() if line.startswith(wrong)
        )) + 1  # fmt: skip
        told = evaluation("validate")
        assert told.exit_code == 1
        assert f"{path}:{line}:1: " in told.stderr
        assert f"did you mean '{right[:-1]}'?" in told.stderr
    told = evaluation("run", "--results", str(tmp_path / "results"))
    assert told.exit_code == 1  # nothing is measured by faulty rules
    assert "metod" in told.stderr
    assert "siute" in told.stderr
    assert not (tmp_path / "results").exists()


def test_what_is_generated_is_written_where_it_is_out_of_date(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(project_in(tmp_path))
    (tmp_path / "docs").mkdir()
    recipe = tmp_path / "images/small/image.def"
    recipe.write_text("out of date")
    told = evaluation("docs", "--check")
    assert told.exit_code == 1
    assert f"out of date: {recipe}" in told.stdout
    assert recipe.read_text() == "out of date"
    assert evaluation("docs").exit_code == 0
    assert recipe.read_text() == (ROOT / "images/small/image.def").read_text()
    assert evaluation("docs", "--check").exit_code == 0
    for name in ("probes.md", "criteria.schema.json"):
        assert (tmp_path / "docs" / name).read_text() == (ROOT / "docs" / name).read_text()


# -- report ------------------------------------------------------------------------------------------


def test_a_report_is_made_from_results_alone(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # no container and no other tool is needed
    told = evaluation("report", "--results", str(results))
    assert told.exit_code == 0, told.output
    page = (results / "report.html").read_text()
    assert told.stdout.strip().endswith("report.html")
    assert LABEL in page
    assert "cold_start" in page
    (run,) = (results / "local").iterdir()
    found = findings_of(Run(run), load_criteria(ROOT / "criteria.yaml"))
    findings = {(item.probe, item.runtime): item for item in found}
    ratio = findings["cold_start", "docker"].ratio
    assert ratio is not None
    assert ratio.estimate == pytest.approx(2.0, rel=0.02)


def test_what_lies_beside_a_page_that_is_written_stays_what_it_was(results: Path) -> None:
    mine = results / "mine"
    mine.mkdir()
    for name in ("x.ipynb", "x.sealed", "90_decision.ipynb"):
        (mine / name).write_text("my own work")
    told = evaluation("report", "--results", str(results), "--output", str(mine / "x.html"))
    assert told.exit_code == 0, told.output
    assert {path.name for path in mine.iterdir()} == {"x.html", "x.ipynb", "x.sealed", "90_decision.ipynb"}
    assert {path.read_text() for path in mine.iterdir() if path.suffix != ".html"} == {"my own work"}


def test_a_report_that_fails_keeps_its_notebook_and_says_where(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "root", lambda: project_in(tmp_path / "project"))
    notebooks = tmp_path / "project" / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks)
    broken = (notebooks / "90_decision.ipynb").read_text().replace("chapters.answer(case)", "1 / 0")
    (notebooks / "90_decision.ipynb").write_text(broken)
    told = evaluation("report", "--results", str(results))
    assert told.exit_code == 1
    assert "ZeroDivisionError" in told.stderr
    (kept,) = results.glob(".report.html-*/90_decision.ipynb")
    assert str(kept) in told.stderr


def test_an_interrupted_run_is_reported_too(results: Path) -> None:
    (run,) = (results / "local").iterdir()
    (run / "complete.json").unlink()
    with (run / "observations.jsonl").open("a") as stream:
        stream.write('{"turn": "torn')
    told = evaluation("report", "--results", str(results), "--output", str(results / "other.html"))
    assert told.exit_code == 0, told.output
    assert LABEL in (results / "other.html").read_text()
    assert (run / "observations.jsonl").read_text().endswith('{"turn": "torn')  # reading changes nothing


@pytest.mark.parametrize("name", ["observations.jsonl", "manifest.json", "complete.json"])
def test_a_truncated_file_is_named_and_nothing_is_lost(results: Path, name: str) -> None:
    (run,) = (results / "local").iterdir()
    path = run / name
    path.write_bytes(path.read_bytes()[:-20])
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    told = evaluation("report", "--results", str(results))
    assert told.exit_code == 1
    assert f"{path}: is " in told.stderr
    assert "Traceback" not in told.stderr
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before
    assert not (results / "report.html").exists()


def test_no_results_and_unknown_runs_are_said(results: Path, tmp_path: Path) -> None:
    told = evaluation("report", "--results", str(tmp_path / "none"))
    assert told.exit_code == 1
    assert "there are no results to report on\n  measure first" in told.stderr
    told = evaluation("report", "--results", str(results), "--run", "none-such")
    assert told.exit_code == 1
    assert "none-such" in told.stderr


# -- findings ----------------------------------------------------------------------------------------


def test_findings_are_printed_from_results_alone(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # no container and no other tool is needed
    told = evaluation("findings", "--results", str(results))
    assert told.exit_code == 0, told.output
    rows = list(csv.DictReader(io.StringIO(told.stdout)))
    assert {(row["runtime"], row["outcome"]) for row in rows if row["probe"] == "cold_start"} == {
        ("host", "MEASURED"),
        ("host-again", "MEASURED"),
        ("docker", "MEASURED"),
        ("shifter", "UNAVAILABLE"),
    }
    by_number = evaluation("findings", "P15", "--format", "json", "--results", str(results))
    assert {row["probe"] for row in json.loads(by_number.stdout)} == {"setuid_planting"}
    log = json.loads(evaluation("findings", "--format", "sarif", "--results", str(results)).stdout)
    assert log["version"] == "2.1.0"


def test_findings_that_cannot_be_had_are_said(results: Path, tmp_path: Path) -> None:
    for words, said in (
        (("P99",), "there is no probe 'P99'"),
        (("--run", "none-such"), "none-such"),
        (("--results", str(tmp_path / "none")), "there are no results"),
    ):
        told = evaluation("findings", "--results", str(results), *words)
        assert told.exit_code == 1
        assert said in told.stderr
        assert told.stdout == ""
    assert evaluation("findings", "--format", "xml").exit_code == 2


# -- image -------------------------------------------------------------------------------------------


def test_what_is_kept_is_listed_and_removed_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVALUATION_CACHE", str(tmp_path))
    monkeypatch.setattr(discovery, "discover", lambda *_: ())
    monkeypatch.setattr(commands, "measuring_user", lambda _: ourselves())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    said, *unbuilt = evaluation("image", "list").stdout.splitlines()
    assert said == "nothing is kept"
    assert [line.rpartition(" ")[2] for line in unbuilt] == list(list_images(ROOT / "images"))
    assert evaluation("image", "clean").stdout == "nothing is kept\n"
    folder = tmp_path / "container-evaluation" / "images" / "small-0123"
    (folder / "forms").mkdir(parents=True)
    listed = evaluation("image", "list").stdout
    assert "image small-0123, of another version" in listed
    assert "evaluation image clean removes it" in listed
    assert folder.exists()
    assert "evaluation image build small\n" not in listed
    assert evaluation("image", "clean", "xs").stdout == "nothing is kept\n"
    assert folder.exists()
    assert evaluation("image", "clean", "small").stdout.endswith("removed\n")
    assert not folder.exists()


@pytest.mark.parametrize(("faults", "status"), [((), 0), (("the null changed P15",), 1)])
def test_a_calibration_of_the_checklist_ends_with_1_where_it_cannot_be_relied_on(
    monkeypatch: pytest.MonkeyPatch,
    faults: tuple[str, ...],
    status: int,
) -> None:
    asked: list[dict[str, object]] = []

    def calibrate(attempts: tuple[str, ...], **options: object) -> tuple[str, tuple[str, ...]]:
        asked.append({"attempts": attempts, **options})
        return "the table", faults

    monkeypatch.setattr(commands, "calibrate_security", calibrate)
    told = evaluation("calibrate", "security", "P15", "--runtime", "docker", "--repeats", "2")
    assert (told.exit_code, told.stdout) == (status, "the table\n")
    assert told.stderr == "".join(f"evaluation: {fault}\n" for fault in faults)
    assert (asked[0]["attempts"], asked[0]["runtimes"], asked[0]["repeats"]) == (("P15",), ("docker",), 2)
    assert evaluation("calibrate", "security", "--runtime", "shifter").exit_code == 2


@pytest.mark.parametrize("broken", [False, True])
def test_a_calibration_of_timings_ends_with_1_where_a_probe_broke(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    broken: bool,  # noqa: FBT001
) -> None:
    run = Run.create(tmp_path / "results", manifest())
    for block in range(12):
        for order, arm in enumerate(("host", "host-again")):
            taken = observation(block, arm, order=order, value=0.01 + 0.0001 * (block % 3))
            if broken:
                taken = replace(taken, name="problem", value="it broke", unit="")
            run.append(Turn(probe="cold_start", runtime=arm, block=block), [taken], [])
    run.finish("2026-01-01T00:00:00.000+00:00")

    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[object]:
        yield SimpleNamespace(measure=lambda *_, **__: "", finish=lambda: run)

    monkeypatch.setattr(commands, "open_measurement", opened)
    told = evaluation("calibrate", "timing")
    assert told.exit_code == int(broken), told.output
    assert ("evaluation: cold_start broke: it broke" in told.stderr) is broken
    assert ("nothing could be measured twice" in told.stdout) is broken


def test_only_attempts_can_be_calibrated() -> None:
    told = evaluation("calibrate", "security", "cold_start")
    assert told.exit_code == 1
    assert "cold_start is no attempt of the security checklist" in told.stderr
