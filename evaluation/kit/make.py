"""Make the kit: ``python -m evaluation.kit.make``, which is what ``make kit`` runs.

Debian's Python with its loader and C library, the wheels of requirements.lock, the project, the payload and
the evaluation images; one tar.gz that needs nothing of the machine it is carried to but a shell and tar.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from evaluation import __version__
from evaluation.errors import EvaluationError
from evaluation.images.build import DOCKER_TAR, BuiltImage, note_to_carry, opened_of
from evaluation.images.process import Run, must
from evaluation.images.recipe import load_recipe
from evaluation.images.wheels import download
from evaluation.kit import CARRIED, PREBUILT, TRIAL
from evaluation.kit.debian import SUITE, fetch_debs, licences
from evaluation.kit.tree import NAME, Part, Tree, pack
from evaluation.kit.wheels import describe, pins, placed
from evaluation.machine import MACHINES, Machine, this_machine
from evaluation.measure.images import built_image, runner
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import build_payload
from evaluation.measure.trials import build_trial
from evaluation.measure.user import measuring_user, ourselves
from evaluation.model import DEFAULT_IMAGE
from evaluation.payload.build import compiler_here, note_sources
from evaluation.project import root
from evaluation.scratch import scratch_directory

__all__ = ["main", "make"]

_IMAGES = ("xs", DEFAULT_IMAGE)
_FILES = Path(__file__).with_name("files")
_LICENCES = "licences"
_STDLIB = "usr/lib/python3.11/"
_COMPILE_S = 900.0
_PYTHON_VERSION = (3, 11)
_RUN_BY_US = "x86_64"
_LABEL = "this kit was made for {name} on another machine and was not run by us on any: say how it went"

_PYTHON = ("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal")
_LIBRARIES = (
    "libacl1", "libattr1", "libblkid1", "libbz2-1.0", "libc6", "libcap-ng0", "libcrypt1", "libexpat1",
    "libffi8", "libgcc-s1", "libgmp10", "liblzma5", "libmount1", "libncursesw6", "libpcre2-8-0",
    "libreadline8", "libselinux1", "libsmartcols1", "libsqlite3-0", "libssl3", "libstdc++6", "libtinfo6",
    "libudev1", "libuuid1", "zlib1g",
)  # fmt: skip
_TOOLS = {
    "coreutils": (
        "cat", "chmod", "chown", "cp", "date", "dd", "df", "du", "echo", "env", "false", "head", "id", "link",
        "ln", "ls", "mkdir", "mkfifo", "mknod", "mktemp", "mv", "nice", "nohup", "printf", "readlink", "rm",
        "rmdir", "sha256sum", "sleep", "sort", "stat", "sync", "tail", "tee", "test", "timeout", "touch",
        "tr", "true", "uname", "wc",
    ),
    "findutils": ("find", "xargs"),
    "tar": ("tar",),
    "util-linux": (
        "findmnt", "flock", "mount", "nsenter", "setpriv", "setsid", "taskset", "umount", "unshare",
    ),
}  # fmt: skip
"""What we, and the bare host as the control, start by name; for systems that have less than GNU's."""
_NOT_RUN = ("test/", "idlelib/", "tkinter/", "lib2to3/", "ensurepip/", "config-3.11", "EXTERNALLY-MANAGED")
"""Of Python's own library, what nothing here imports."""
_NOT_PROJECT = ("tests/", "benchmarks/", ".ci/", ".github/", ".pre-commit-config.yaml", ".gitignore")


def make(target_folder: Path, machine: Machine) -> tuple[Path, str]:
    """Make the kit for a kind of machine in a folder; give its path and SHA-256.

    For another kind than this machine's there are no images in it: building one runs programs of the image.

    Raises
    ------
    EvaluationError
        A part cannot be had; with what to do.
    """
    project = root()
    epoch = load_recipe(project / "images", DEFAULT_IMAGE).epoch
    with scratch_directory() as scratch, _hands() as run:
        scratch.chmod(0o755)
        tree = Tree(scratch / NAME)
        ours = Part(name="container-evaluation", version=__version__, kind="project", licence="Apache-2.0")
        built: list[BuiltImage] = []
        if machine == this_machine():
            _say("the evaluation images")
            built = [_image(name) for name in _IMAGES]
            _add_images(tree, built)
        _say("Debian's Python, its libraries and tools")
        _add_debian(tree, ours, built, machine, scratch, run)
        _say("the Python packages")
        _add_wheels(tree, project, machine, scratch, run)
        _say("the project and its payload")
        _add_project(tree, ours, project, run)
        _add_payload(tree, ours, machine, scratch)
        _say("bytecode")
        _compile(tree, machine, run)
        about = {
            "version": __version__,
            "system": "Linux",
            "architecture": machine.name,
            "label": _label(machine),
            "suite": f"Debian {SUITE}",
        }
        tree.seal(about)
        _say("one file of it all")
        target_folder.mkdir(parents=True, exist_ok=True)
        untried = "-untried" if _label(machine) else ""
        target = target_folder / f"{NAME}-{__version__}-{machine.name}{untried}.tar.gz"
        return target, pack(tree.folder, target, epoch)


def _label(machine: Machine) -> str:
    """Say what whoever uses the kit has to know of it; empty where we have run one."""
    return "" if machine.name == _RUN_BY_US else _LABEL.format(name=machine.name)


def _compile(tree: Tree, machine: Machine, run: Run) -> None:
    """Make the bytecode by the kit's Python, or by ours of its version where that cannot run here."""
    python = str(tree.folder / "python/bin/python3")
    if machine != this_machine():
        if sys.version_info[:2] != _PYTHON_VERSION:
            _say("there is none: this Python is of another version, and the kit's cannot run here")
            return
        python = sys.executable
    compiling = ("-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", str(tree.folder))
    for each in ("python/lib", "project/evaluation"):
        # What is no Python of this version, such as a template, is told on the way and stays as it is.
        run((python, "-I", "-S", "-B", *compiling, str(tree.folder / each)), b"", _COMPILE_S)


def _image(name: str) -> BuiltImage:
    """Take an image as the measuring user has it, or build it."""
    with Launcher(measuring_user(os.environ.get("MEASURE_AS", ""))) as launcher:
        return built_image(name, root() / "images", launcher)


def _add_images(tree: Tree, images: Sequence[BuiltImage]) -> None:
    """Put each image in as the one archive that every form is made from."""
    for image in images:
        folder = f"{CARRIED}/{Path(image.folder).name}"
        part = Part(
            name=f"image {image.name}",
            version=image.tar_sha256[:12],
            kind="image",
            licence="that of its packages",
            sha256=image.tar_sha256,
        )
        with opened_of(Path(image.archives.docker)) as stream:
            tree.add(part, f"{folder}/{DOCKER_TAR}", stream.read())
        tree.add(part, f"{folder}/built.json", json.dumps(note_to_carry(image), sort_keys=True).encode())


def _add_debian(
    tree: Tree, ours: Part, images: Sequence[BuiltImage], machine: Machine, scratch: Path, run: Run
) -> None:
    """Put in Python, its libraries and the tools; and the licences of these and of the images' packages."""
    within: dict[str, list[tuple[str, str]]] = {}
    for image in images:
        for name, _, version in (each.partition("=") for each in image.packages):
            within.setdefault(name, []).append((image.name, version))
    folder = scratch / "debs"
    folder.mkdir()
    run_here = {*_PYTHON, *_LIBRARIES, *_TOOLS}
    names = sorted({*run_here, *within})
    debs = {deb.name: deb for deb in fetch_debs(names, folder, run, machine.debian)}
    unpacked = {name: debs[name].unpack(run) for name in names}
    texts = {path: text for each in unpacked.values() for path, text in each.files.items()}
    for name in names:
        text = texts.get(f"{unpacked[name].documented}/copyright", b"")
        licence = licences(text.decode(errors="replace")) or f"see {_LICENCES}/{name}"
        here = Part(
            name=name, version=debs[name].version, kind="deb", licence=licence, sha256=debs[name].sha256
        )
        parts = [here] if name in run_here else []
        for holder, version in within.get(name, ()):
            sha256 = here.sha256 if version == here.version else ""  # an older image has another package
            whole = replace(here, name=f"{name} in image {holder}", kind="image's package")
            parts.append(replace(whole, version=version, sha256=sha256))
        for part in parts:
            tree.note(part)
        tree.add(parts[0], f"{_LICENCES}/{name}", text)
        for path, content, program in _of_python(name, unpacked[name].files, machine):
            tree.add(parts[0], path, content, program=program)
    for tools in _TOOLS.values():
        for tool in tools:
            tree.add(ours, f"tools/{tool}", (_FILES / "tool").read_bytes(), program=True)
    for name, file in (("python3", "python3"), ("python", "python3"), ("evaluation", "evaluation")):
        tree.add(ours, f"python/bin/{name}", (_FILES / file).read_bytes(), program=True)
    tree.add(ours, "python/machine", f"{machine.name}\n{_label(machine)}\n".encode())
    tree.add(ours, "python/environment.sh", (_FILES / "environment.sh").read_bytes())
    tree.add(ours, "evaluate", (_FILES / "evaluate").read_bytes(), program=True)


def _of_python(
    package: str, files: Mapping[str, bytes], machine: Machine
) -> Iterator[tuple[str, bytes, bool]]:
    """Give what the kit takes of a Debian package: where to, content, and whether it is a program."""
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        if package in _PYTHON and path.startswith(_STDLIB):
            if not path.removeprefix(_STDLIB).startswith(_NOT_RUN):
                yield f"python/lib/python3.11/{path.removeprefix(_STDLIB)}", content, False
        elif package in _PYTHON and path == "usr/bin/python3.11":
            yield "python/libexec/python3.11", content, True
        elif package in _LIBRARIES and folder.endswith(f"/{machine.libraries}") and ".so" in name:
            loads = name == machine.loader
            yield f"python/lib/native/{'ld.so' if loads else name}", content, loads
        elif name in _TOOLS.get(package, ()) and folder in {"bin", "usr/bin"}:
            yield f"python/libexec/{name}", content, True


def _add_wheels(tree: Tree, project: Path, machine: Machine, scratch: Path, run: Run) -> None:
    folder = scratch / "wheels"
    folder.mkdir()
    for wheel in download(pins(project, machine.name), folder, run, machine.name):
        name, version, licence = describe(wheel)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        part = Part(
            name=name, version=version, kind="wheel", licence=licence or "see its dist-info", sha256=digest
        )
        for path, content, program in placed(wheel):
            tree.add(part, f"python/{path}", content, program=program)


def _add_project(tree: Tree, ours: Part, project: Path, run: Run) -> None:
    """Put in what the repository keeps, as it is here; Python finds it by a path relative to the kit."""
    listed = must(run, ("git", "-C", str(project), "ls-files", "-z")).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = project / name
        if not name.startswith(_NOT_PROJECT) and path.is_file():
            tree.add(ours, f"project/{name}", path.read_bytes(), program=os.access(path, os.X_OK))
    tree.add(ours, "python/lib/python3/dist-packages/evaluation.pth", b"../../../../project\n")


def _add_payload(tree: Tree, ours: Part, machine: Machine, scratch: Path) -> None:
    compiler, advice = compiler_here(), "Debian: apt-get install gcc libc6-dev."
    if machine != this_machine():
        compiler = f"{machine.libraries}-gcc"
        packages = f"gcc-{machine.libraries.replace('_', '-')} libc6-dev-{machine.debian}-cross"
        advice = f"Debian: apt-get install {packages}."
    if why := build_trial(compiler, scratch / TRIAL):
        raise EvaluationError(why, where="kit", advice=advice)
    tree.add(ours, TRIAL, (scratch / TRIAL).read_bytes(), program=True)
    folder = build_payload(scratch / "payload", compiler)
    note_sources(folder)
    for path in sorted(folder.iterdir()):
        tree.add(ours, f"{PREBUILT}/{path.name}", path.read_bytes(), program=os.access(path, os.X_OK))


@contextmanager
def _hands() -> Iterator[Run]:
    with Launcher(ourselves()) as launcher:
        yield runner(launcher)


def _say(what: str) -> None:
    sys.stderr.write(f"kit: {what}\n")


def main() -> None:
    """Read the command line, and make the kit."""
    options = argparse.ArgumentParser(prog="python -m evaluation.kit.make")
    options.add_argument("folder", nargs="?", type=Path, default=root() / "build", help="where to write it")
    known = {name: each for each in MACHINES.values() for name in (each.name, each.debian)}
    options.add_argument(
        "--for", dest="machine", choices=known, default=this_machine().name, help="the kind of machine"
    )
    asked = options.parse_args()
    try:
        target, digest = make(asked.folder, known[asked.machine])
    except EvaluationError as error:
        sys.exit(f"kit: {error}")
    _say(f"{target.stat().st_size / 1e6:.0f} MB, {target}")
    sys.stdout.write(f"{digest}  {target.name}\n")


if __name__ == "__main__":
    main()
