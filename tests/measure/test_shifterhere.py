"""What is found out where Shifter is installed: a made-up program and configuration; nothing runs Shifter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.measure.launcher import Launcher
from evaluation.measure.shifterhere import as_installed, confinement
from evaluation.measure.user import ourselves
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime


@pytest.fixture
def shifter(tmp_path: Path) -> Runtime:
    """A FAKE program that names its configuration as the real one does: between zero bytes."""
    fake_executable(tmp_path / "shifter", f"exit 0\n#\0{tmp_path}/udiRoot.conf\0")
    fake_executable(tmp_path / "shifterimg", '[ "$*" = "lookup docker:a/small:1" ] && echo 0a1b')
    (tmp_path / "udiRoot.conf").write_text(
        "imagePath=/images\nsiteFs=/home:/home\nimageGateway=http://gw:5000\n"
    )
    images = (("small", "docker:a/small:1"), ("xs", "docker:a/none:1"))
    return replace(known_runtimes()["shifter"], commands=(str(tmp_path / "shifter"),), images=images)


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher(ourselves()) as started:
        yield started


def test_the_adapter_learns_where_images_lie_and_which_id_a_name_has(
    shifter: Runtime, launcher: Launcher
) -> None:
    settings = dict(as_installed(shifter, launcher).settings)
    assert settings["imagePath"] == "/images"
    assert settings["docker:a/small:1"] == "0a1b"
    assert "docker:a/none:1" not in settings


@pytest.mark.parametrize(("dynamically", "seen"), [("0", ("etc/passwd", "etc/services")), ("1", ())])
def test_the_files_that_a_site_puts_into_every_container_are_known(
    shifter: Runtime, launcher: Launcher, tmp_path: Path, dynamically: str, seen: tuple[str, ...]
) -> None:
    (tmp_path / "etc_files").mkdir()
    for name in ("services", "passwd"):
        (tmp_path / "etc_files" / name).touch()
    (tmp_path / "udiRoot.conf").write_text(
        f"etcPath={tmp_path}/etc_files\npopulateEtcDynamically={dynamically}\n"
    )
    assert as_installed(shifter, launcher).replaced() == ("etc/shadow", "etc/ssh", *seen)


def test_a_changed_configuration_or_program_is_another_fingerprint(
    shifter: Runtime, launcher: Launcher, tmp_path: Path
) -> None:
    def told() -> tuple[str, ...]:
        return confinement(as_installed(shifter, launcher), launcher)

    before = told()
    assert "siteFs: /home:/home" in before
    assert "setuid helper: not installed" in before
    assert not any("gw:5000" in line for line in before)
    assert "imageGateway: set" in before
    assert before == told()
    (tmp_path / "udiRoot.conf").write_text("imagePath=/images\nsiteFs=/home:/home;/data:/data\n")
    changed = told()
    assert changed != before
    with (tmp_path / "shifter").open("a") as program:
        program.write("# another build\n")
    assert told() != changed


def test_a_configuration_that_cannot_be_read_is_said_to_be(
    shifter: Runtime, launcher: Launcher, tmp_path: Path
) -> None:
    (tmp_path / "udiRoot.conf").unlink()
    assert confinement(as_installed(shifter, launcher), launcher)[-1] == "configuration: not readable"
