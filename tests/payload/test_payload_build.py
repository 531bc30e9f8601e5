import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from evaluation.payload.build import HELPER, LEGACY_32BIT, PROBE, SCRIPTS, PayloadBuildError, build


def pretend(argv: Sequence[str]) -> tuple[int, str]:
    Path(argv[argv.index("-o") + 1]).write_bytes(b"program")
    return 0, ""


def test_the_payload_is_whole_and_open_to_everybody(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        directory = build(tmp_path / "payload", pretend, compiler="cc")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    programs, scripts = dict.fromkeys((PROBE, HELPER, LEGACY_32BIT), 0o755), dict.fromkeys(SCRIPTS, 0o644)
    assert modes == {**programs, **scripts}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755


def test_the_compiler_is_asked_for_static_programs(tmp_path: Path) -> None:
    asked: list[Sequence[str]] = []

    def run(argv: Sequence[str]) -> tuple[int, str]:
        asked.append(argv)
        return pretend(argv)

    build(tmp_path, run, compiler="gcc")
    assert [argv[0] for argv in asked] == ["gcc", "gcc", "gcc"]
    assert all("-static" in argv for argv in asked)
    assert all(Path(source).exists() for argv in asked for source in argv if source.endswith(".c"))


def test_without_a_compiler_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PayloadBuildError, match="there is no C compiler") as caught:
        build(tmp_path / "payload", pretend)
    assert "glibc-static" in str(caught.value)


def test_what_the_compiler_said_is_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(PayloadBuildError, match="cannot find -lc") as caught:
        build(tmp_path, lambda _: (1, "ld: cannot find -lc\n"), compiler="cc")
    assert "static library" in caught.value.advice


def test_a_fault_in_the_payloads_own_c_is_shown_in_the_compilers_words(tmp_path: Path) -> None:
    """The line itself, and no advice to install what is there."""
    said = (
        "probe.c: In function 'main':\nprobe.c:9:5: warning: unused variable 'x' [-Wunused-variable]\n"
        "    9 |     int x;\nprobe.c:14:5: error: expected ';' before 'return'\n"
    )
    with pytest.raises(PayloadBuildError) as caught:
        build(tmp_path, lambda _: (1, said), compiler="cc")
    assert caught.value.what == "cc could not build probe: probe.c:14:5: error: expected ';' before 'return'"
    assert not caught.value.advice


def test_a_compiler_without_32_bits_is_no_fault(tmp_path: Path) -> None:
    def run(argv: Sequence[str]) -> tuple[int, str]:
        return (1, "no 32 bits here") if "-m32" in argv else pretend(argv)

    directory = build(tmp_path, run, compiler="cc")
    assert (directory / PROBE).exists()
    assert not (directory / LEGACY_32BIT).exists()
