"""The kit's shell scripts, in every shell that a contact may have; what they start is a fake."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import evaluation.kit

FILES = Path(evaluation.kit.__file__).with_name("files")
PROJECT = Path(__file__).parents[2]
CPU = "processor\t: 0\nflags\t\t: fpu sse2 ssse3 sse4_1 sse4_2 popcnt avx\n"
FAKE_LOADER = """\
#!/bin/sh
[ "$1" = --version ] && exit 0
printf 'ran:'
for each in "$@"; do printf ' <%s>' "$each"; done
printf '\\nhome %s preload %s path %s\\n' "${PYTHONHOME-none}" "${LD_PRELOAD-none}" "$PATH"
printf 'kit %s cache %s tmp %s\\n' "${EVALUATION_KIT-none}" "${EVALUATION_CACHE-none}" "${TMPDIR-none}"
printf 'account <%s>\\n' "${EVALUATION_ACCOUNT-none}"
"""
"""A fake of the kit's loader: it prints what it was to start, and with which variables."""
SHELLS = [
    pytest.param(words, id=words[-1])
    for words in (("sh",), ("dash",), ("bash", "--posix"), ("busybox", "sh"))
    if shutil.which(words[0])
]


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A kit in a folder with spaces in its path, with a fake loader and nothing that it could load."""
    folder = tmp_path / "a path with spaces" / "container-evaluation-kit"
    for name in ("python/bin", "python/lib/native", "project/setup", "tools"):
        (folder / name).mkdir(parents=True)
    shutil.copy(PROJECT / "setup" / "isolated.sh", folder / "project" / "setup")
    shutil.copy(FILES / "environment.sh", folder / "python")
    (folder / "cpuinfo").write_text(CPU)
    (folder / "python/machine").write_text("x86_64\n\n")
    evaluate = (FILES / "evaluate").read_text()
    assert "cpuinfo=/proc/cpuinfo\n" in evaluate
    (folder / "evaluate").write_text(evaluate.replace("cpuinfo=/proc/cpuinfo", 'cpuinfo="$kit/cpuinfo"'))
    for name in ("python3", "evaluation"):
        shutil.copy(FILES / name, folder / "python" / "bin")
    shutil.copy(FILES / "tool", folder / "tools" / "df")
    (folder / "python/lib/native/ld.so").write_text(FAKE_LOADER)
    for path in ("evaluate", "python/bin/python3", "python/bin/evaluation", "tools/df"):
        (folder / path).chmod(0o755)
    (folder / "python/lib/native/ld.so").chmod(0o755)
    return folder


def run(
    *argv: str, cwd: Path | None = None, fakes: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    path = os.environ["PATH"]
    return subprocess.run(
        argv,
        cwd=cwd,
        env={"PATH": f"{fakes}:{path}" if fakes else path, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def fake(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("script", sorted(path.name for path in FILES.iterdir() if path.is_file()))
def test_every_shell_can_read_it(shell: tuple[str, ...], script: str) -> None:
    done = run(*shell, "-n", str(FILES / script))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_is_the_whole_command_line(shell: tuple[str, ...], kit: Path) -> None:
    done = run(
        *shell, "./evaluate", "doctor", "--site", "two words", cwd=kit, PYTHONHOME="/x", LD_PRELOAD="/x.so"
    )
    said = done.stdout.splitlines()
    python = kit / "python"
    assert said[0] == (
        f"ran: <--library-path> <{python}/bin/../lib/native> <--argv0> <{python}/bin/python3> "
        f"<{python}/bin/../libexec/python3.11> <-I> <-m> <evaluation> <doctor> <--site> <two words>"
    )
    assert said[1].startswith("home none preload none path ")
    assert said[1].endswith(f":{kit}/tools")
    assert said[2] == f"kit {kit} cache {kit}/state/cache tmp {kit}/state/tmp"


@pytest.mark.parametrize(
    ("words", "started"),
    [
        ((), "<-m> <evaluation> <guide>"),
        (("--site", "here", "--yes"), "<-m> <evaluation> <guide> <--site> <here> <--yes>"),
        (("--help",), "<-m> <evaluation> <--help>"),
        (("--version",), "<-m> <evaluation> <--version>"),
        (("site", "check"), "<-m> <evaluation> <site> <check>"),
    ],
)
def test_without_a_command_it_guides(words: tuple[str, ...], started: str, kit: Path) -> None:
    assert run("./evaluate", *words, cwd=kit).stdout.splitlines()[0].endswith(f"<-I> {started}")


def test_it_verifies_with_nothing_but_the_interpreter(kit: Path) -> None:
    said = run("./evaluate", "--verify", cwd=kit).stdout
    assert f"<-I> <-S> <{kit}/project/evaluation/kit/verify.py> <{kit}>\n" in said
    assert not (kit / "state").exists(), "looking writes nothing"


def test_the_notebooks_are_opened_by_the_kit_s_own_jupyter(kit: Path) -> None:
    said = run("./evaluate", "lab", "--no-browser", cwd=kit).stdout
    assert "<-m> <jupyterlab>" in said
    assert said.splitlines()[0].endswith(f"<--no-browser> <{kit}/project/notebooks>")


def test_cleaning_asks_the_engines_first_and_keeps_results(kit: Path) -> None:
    (kit / "project/results/here").mkdir(parents=True)
    (kit / "state/cache/images").mkdir(parents=True)
    said = run("./evaluate", "clean", cwd=kit).stdout
    assert "<evaluation> <image> <clean>" in said
    assert not (kit / "state").exists()
    assert (kit / "project/results/here").is_dir()


def test_it_can_be_called_from_anywhere_and_by_a_batch_job(kit: Path, tmp_path: Path) -> None:
    for program in (kit / "evaluate", kit / "python/bin/evaluation"):
        said = run(str(program), "doctor", cwd=tmp_path).stdout
        assert f"kit {kit} " in said
        assert said.splitlines()[0].endswith("<-I> <-m> <evaluation> <doctor>")


def test_what_was_chosen_outside_stays(kit: Path, tmp_path: Path) -> None:
    said = run("./evaluate", "doctor", cwd=kit, TMPDIR=str(tmp_path), EVALUATION_CACHE="/elsewhere").stdout
    assert f"cache /elsewhere tmp {tmp_path}\n" in said


def test_a_system_with_less_than_gnu_s_tools_gets_the_kit_s_first(kit: Path, tmp_path: Path) -> None:
    fakes = fake(tmp_path / "fakes", "env", '[ "${1#--}" = "$1" ] || exit 1\nexec /usr/bin/env "$@"')
    said = run("./evaluate", "doctor", cwd=kit, fakes=fakes).stdout
    assert f" path {kit}/tools:{fakes}:" in said


def test_a_tool_is_run_by_the_kit_s_loader_under_its_own_name(kit: Path) -> None:
    said = run(str(kit / "tools/df"), "--output=avail", LD_PRELOAD="/x.so").stdout
    tools = kit / "tools"
    assert said.splitlines()[0] == (
        f"ran: <--library-path> <{tools}/../python/lib/native> <--argv0> <df> "
        f"<{tools}/../python/libexec/df> <--output=avail>"
    )
    assert "preload none" in said


def machine(system: str, processor: str, release: str = "") -> str:
    """A fake of `uname`."""
    return f"case $1 in -s) echo {system} ;; -m) echo {processor} ;; -r) echo {release} ;; esac"


@pytest.mark.parametrize(
    ("system", "why"),
    [
        (("Linux", "aarch64"), "this kit is for Linux x86_64, and this is Linux aarch64"),
        (("Darwin", "x86_64"), "this kit is for Linux x86_64, and this is Darwin x86_64"),
        (("Linux", "x86_64", "2.6.32-754.el6"), "Linux 3.2 or newer is needed, and this is 2.6.32-754.el6"),
        (("Linux", "x86_64", "3.0-rc1"), "Linux 3.2 or newer is needed, and this is 3.0-rc1"),
    ],
)
def test_another_machine_is_refused_in_one_sentence(
    system: tuple[str, ...], why: str, kit: Path, tmp_path: Path
) -> None:
    done = run("./evaluate", "doctor", cwd=kit, fakes=fake(tmp_path / "fakes", "uname", machine(*system)))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"evaluate: {why}\n")


@pytest.mark.parametrize("release", ["3.2.0-4-amd64", "3.10.0-1160.el7.x86_64", "4.18.0", "6.12", "10.0.1"])
def test_a_kernel_that_can_is_taken(release: str, kit: Path, tmp_path: Path) -> None:
    fakes = fake(tmp_path / "fakes", "uname", machine("Linux", "x86_64", release))
    assert run("./evaluate", "doctor", cwd=kit, fakes=fakes).returncode == 0


def test_a_kit_that_was_not_run_says_so_each_time_and_runs(kit: Path, tmp_path: Path) -> None:
    (kit / "python/machine").write_text("aarch64\nit was not run by us\n")
    (kit / "cpuinfo").write_text("processor\t: 0\nFeatures\t: fp asimd\n")
    fakes = fake(tmp_path / "fakes", "uname", machine("Linux", "aarch64", "6.1.0"))
    done = run("./evaluate", "doctor", cwd=kit, fakes=fakes)
    assert (done.returncode, done.stderr) == (0, "evaluate: it was not run by us\n")
    assert "<evaluation> <doctor>" in done.stdout
    elsewhere = run("./evaluate", "doctor", cwd=kit, fakes=fake(fakes, "uname", machine("Linux", "x86_64")))
    assert elsewhere.stderr == "evaluate: this kit is for Linux aarch64, and this is Linux x86_64\n"


@pytest.mark.parametrize("flag", ["sse4_2", "popcnt"])
def test_a_processor_that_cannot_is_refused(flag: str, kit: Path) -> None:
    (kit / "cpuinfo").write_text(CPU.replace(f" {flag}", ""))
    done = run("./evaluate", "doctor", cwd=kit)
    assert done.returncode == 1
    assert done.stderr.startswith(f"evaluate: this processor is too old: it lacks {flag} ")


def test_a_path_with_a_colon_is_refused(kit: Path) -> None:
    elsewhere = kit.rename(kit.with_name("a:b"))
    done = run("./evaluate", "doctor", cwd=elsewhere)
    assert done.returncode == 1
    assert done.stderr.startswith(f"evaluate: there is a colon in {elsewhere}, ")


def test_a_folder_that_nothing_runs_from_is_named(kit: Path) -> None:
    (kit / "python/lib/native/ld.so").chmod(0o644)
    done = run("./evaluate", "doctor", cwd=kit)
    assert done.returncode == 1
    assert done.stderr.startswith(f"evaluate: nothing can be run from {kit}: ")


def test_a_folder_that_cannot_be_written_to_is_named(kit: Path) -> None:
    (kit / "state").write_text("")  # what even root cannot make a folder of
    done = run("./evaluate", "doctor", cwd=kit)
    assert done.returncode == 1
    assert done.stderr == f"evaluate: {kit} cannot be written to: unpack the kit where you may write\n"


def test_the_site_s_own_programs_tell_who_the_user_is(kit: Path, tmp_path: Path) -> None:
    """With more than one group, of which the last is not known."""
    fakes = fake(tmp_path / "fakes", "id", 'case $1 in -u) echo 7 ;; -G) echo "5000 6000" ;; esac')
    told = 'case "$*" in "passwd 7") echo me:x:7 ;; "group 5000 6000") echo ours:x:5000: && exit 2 ;; esac'
    said = run("./evaluate", "doctor", cwd=kit, fakes=fake(fakes, "getent", told))
    assert said.returncode == 0
    assert said.stdout.endswith("account <me:x:7\nours:x:5000:>\n")
    lacking = run("./evaluate", "doctor", cwd=kit, fakes=fake(fakes, "getent", "exit 127"))
    assert (lacking.returncode, lacking.stderr) == (0, "")
    assert lacking.stdout.endswith("account <>\n")
