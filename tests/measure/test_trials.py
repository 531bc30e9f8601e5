"""Trials of a static program and of engines with our folders, by FAKE commands: no container starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable
from test_apptainerhere import PLAIN, START, installed

from evaluation.manifest import CheckFacts, RuntimeFacts, fact
from evaluation.measure.launcher import Launcher
from evaluation.measure.trials import Trial, static_program, trial, tried
from evaluation.measure.user import ourselves
from evaluation.model import CheckState, Role
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.scratch import temporary_folder

PROGRAM = '#!/bin/sh\necho seen >"$1"\n'
"""A fake of what a compiler makes."""

CH_RUN = """
for word in "$@"; do
    case $word in
        *:/payload) payload=${word%:/payload} ;;
        *:/work) work=${word%:/work} ;;
    esac
done
while [ "$1" != -- ]; do shift; done
exec "$payload/${2#/payload/}" "$work/${3#/work/}"
"""
"""Runs on the host what it would run inside."""
CH_CONVERT = 'for last in "$@"; do :; done; mkdir "$last"'


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Launcher]:
    """As an ordinary user, whose processes are ours."""
    env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    user = replace(ourselves(), name="somebody", home=str(tmp_path), env=env)
    fake_executable(tmp_path / "bin" / "ch-convert", CH_CONVERT)
    with Launcher(user) as started:
        yield started


@pytest.fixture
def folders() -> Iterator[Trial]:
    with trial() as made:
        yield made


@pytest.fixture(autouse=True)
def nobody_is_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who only looks; the fakes need no rights of theirs."""
    monkeypatch.setattr("evaluation.measure.trials._looks_only", lambda _: False)


def compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    fake_executable(folder / "cc" / "cc", script)
    monkeypatch.setenv("PATH", f"{folder / 'cc'}:/usr/bin:/bin")


def test_a_static_program_is_built_by_us_and_run_by_the_user(
    launcher: Launcher, folders: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler(tmp_path, monkeypatch, 'printf \'#!/bin/sh\\necho seen >"$1"\\n\' >"$5"')
    check = static_program(launcher, folders)
    assert check.state is CheckState.SOUND, check.sentence
    assert check.sentence == f"{tmp_path / 'cc' / 'cc'} builds one, and somebody can run it"
    assert folders.program.exists()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            "echo '/usr/bin/ld: cannot find -lc' >&2; echo 'collect2: error: ld' >&2; exit 1",
            "no static program can be built: /usr/bin/ld: cannot find -lc",
        ),
        ("printf '#!/bin/sh\\necho Killed by a policy >&2; exit 126' >\"$5\"", "Killed by a policy"),
        ("printf '#!/bin/sh\\nexit 0' >\"$5\"", "one that was built cannot be run by somebody"),
        ("exit 0", "no static program can be built: it said nothing"),
    ],
)
def test_a_static_program_that_cannot_be_had_says_why(
    launcher: Launcher,
    folders: Trial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    why: str,
) -> None:
    compiler(tmp_path, monkeypatch, script)
    check = static_program(launcher, folders)
    assert check.state is CheckState.LOST
    assert why in check.sentence
    assert ("glibc-static" in check.remedy) == ("can be built" in why)
    assert not folders.program.exists()


def test_the_real_compiler_builds_one_here(
    launcher: Launcher, folders: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    check = static_program(launcher, folders)
    if check.state is CheckState.LOST:
        pytest.skip(check.sentence)
    assert folders.program.read_bytes().startswith(b"\x7fELF")


def test_everybody_may_enter_the_folders_whatever_the_umask_is() -> None:
    before = os.umask(0o077)
    try:
        with trial() as made:
            assert {folder.stat().st_mode & 0o777 for folder in (made.payload, made.works)} == {0o755}
    finally:
        os.umask(before)


def charliecloud(folder: Path, script: str = CH_RUN) -> tuple[Runtime, RuntimeFacts]:
    command = fake_executable(folder / "bin" / "ch-run", script)
    runtime = replace(known_runtimes()["charliecloud"], commands=(str(command),))
    return runtime, facts_of(runtime)


def facts_of(runtime: Runtime, *, present: bool = True) -> RuntimeFacts:
    return RuntimeFacts(
        id=runtime.id, family=runtime.family, mode=runtime.mode, present=present, role=runtime.role
    )


def with_program(folders: Trial) -> Trial:
    folders.program.write_text(PROGRAM)
    folders.program.chmod(0o755)
    return folders


def bound(launcher: Launcher, folders: Trial, *found: tuple[Runtime, RuntimeFacts]) -> CheckFacts:
    _, (check,) = tried(found, launcher, with_program(folders))
    return check


def test_a_runtime_that_runs_our_program_and_writes_is_sound(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    check = bound(launcher, folders, charliecloud(tmp_path))
    assert check.state is CheckState.SOUND, check.sentence
    assert check.what == "work folder in charliecloud"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'ch-run[7]: error: cannot bind: Permission denied' >&2; exit 1", "Permission denied"),
        ("exit 0", "it said nothing"),  # a start that only seems to have gone well
    ],
)
def test_a_runtime_that_does_not_is_lost_with_its_reason(
    launcher: Launcher, folders: Trial, tmp_path: Path, script: str, why: str
) -> None:
    check = bound(launcher, folders, charliecloud(tmp_path, script))
    assert check.state is CheckState.LOST
    assert why in check.sentence
    assert str(temporary_folder()) in check.sentence
    assert check.costs == "charliecloud"
    assert "TMPDIR" in check.remedy


def test_an_image_that_cannot_be_made_is_the_reason(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    fake_executable(tmp_path / "bin" / "ch-convert", "echo 'error: disk quota exceeded' >&2; exit 1")
    check = bound(launcher, folders, charliecloud(tmp_path, "exit 0"))
    assert "no image could be made for it: error: disk quota exceeded" in check.sentence


ENGINE = """
echo "$*" >>"$(dirname "$0")/asked"
case "$*" in
    *" run "*|"run "*) case "$*" in *runc*) ;; *) echo 'Error: crun refuses' >&2; exit 125 ;; esac
        for word in "$@"; do
            case $word in *target=/work) source=${word#*source=}; echo seen >"${source%%,*}/answer" ;; esac
        done ;;
esac
"""
"""A podman that starts nothing with its defaults here, and does with runc."""


def test_what_is_tried_where_it_does_not_start_is_tried_here_too_and_its_store_is_left_as_it_was(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    command = fake_executable(tmp_path / "engine" / "podman", ENGINE)
    runtime = replace(known_runtimes()["podman"], commands=(str(command),))
    check = bound(launcher, folders, (runtime, facts_of(runtime)))
    assert check.state is CheckState.SOUND, check.sentence
    asked = (tmp_path / "engine" / "asked").read_text().splitlines()
    (loaded,) = (line for line in asked if line.startswith("load "))
    image = asked[-1].rpartition(" ")[2]
    assert asked[-1] == f"image rm --force {image}"
    assert image.startswith("container-evaluation/canary:")
    assert not Path(loaded.rpartition(" ")[2]).exists()


def test_without_a_program_and_for_what_is_absent_or_not_ranked_no_folder_is_tried(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    runtime, facts = charliecloud(tmp_path, f"touch {tmp_path}/started")
    assert tried([(runtime, facts)], launcher, folders) == ((facts,), ())
    absent = facts.model_copy(update={"present": False})
    variant = facts.model_copy(update={"role": Role.VARIANT})
    for other in (absent, variant):
        assert tried([(runtime, other)], launcher, with_program(folders)) == ((other,), ())
    assert not (tmp_path / "started").exists()


def test_root_who_only_looks_starts_nothing(
    launcher: Launcher, folders: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    runtime, facts = charliecloud(tmp_path, f"touch {tmp_path}/started")
    launcher.user = replace(launcher.user, uid=0)
    assert tried([(runtime, facts)], launcher, with_program(folders)) == ((facts,), ())
    assert not (tmp_path / "started").exists()


BUILD = """
    for last in "$@"; do :; done
    archive=${last#docker-archive:}
    [ -s "$archive" ] && touch "$(dirname "$archive")/apptainer.sif"
"""


def building(folder: Path, build: str, start: str = START + PLAIN) -> tuple[Runtime, RuntimeFacts]:
    runtime = installed(folder, start=start)
    script = (folder / "apptainer").read_text().replace("case $1 in", f"case $1 in build) {build} ;;")
    (folder / "apptainer").write_text(script)
    return runtime, facts_of(runtime)


def test_a_start_of_apptainer_is_looked_at_before_there_is_any_image(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    absent = known_runtimes()["charliecloud"]
    others = (absent, facts_of(absent, present=False))
    (first, second), _ = tried([building(tmp_path, BUILD), others], launcher, folders)
    assert second == others[1]
    assert fact(first.seen, "user namespace") == "the host's", first.seen
    assert (
        first.mode
        == "the host's user namespace, no setuid starter seen; image file, not known what serves it"
    )


def test_an_image_that_cannot_be_made_leaves_everything_unsaid(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    found = building(tmp_path, "echo 'FATAL:   no mksquashfs' >&2; exit 255")
    (facts,), _ = tried([found], launcher, folders)
    assert facts.seen == ("not seen: no image could be made for it: FATAL:   no mksquashfs",)
    assert facts.mode == "image file"


def test_a_further_mode_is_looked_at_where_everything_is_asked_for(
    launcher: Launcher, folders: Trial, tmp_path: Path
) -> None:
    runtime, facts = building(tmp_path, BUILD)
    mode = facts.model_copy(update={"role": Role.VARIANT})
    assert tried([(runtime, mode)], launcher, folders, modes=False) == ((mode,), ())
    (looked,), _ = tried([(runtime, mode)], launcher, folders)
    assert looked.seen
