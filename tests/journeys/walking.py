"""What every journey needs: a clean clone with an environment of its own, and a book of what was run in it.

Nothing here or in a journey imports the project: it is used as a reader uses it, by its commands and files.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
MEASURING_USER = Path("/var/lib/container-evaluation/user")
PATIENCE = 900.0
"""Seconds after which a command hangs; no test asserts a duration."""

BOOK: list[tuple[str, tuple[str, ...]]] = []
"""Every command that a journey ran in this session, in order: the journey's name, and the words."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    words: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A clone of the project, and who works in it.

    Parameters
    ----------
    user : str
        Who runs the commands where root runs the tests; empty for whoever runs the tests.
    offline : bool
        Whether the commands have no network, where that can be taken away.
    """

    folder: Path
    journey: str
    user: str = ""
    offline: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    def argv(self, *words: str) -> tuple[str, ...]:
        """The command as it is started here, and into the book with it."""
        BOOK.append((self.journey, words))
        bins = self.folder / ".venv/bin"
        program = str(bins / words[0]) if (bins / words[0]).exists() else words[0]
        before: tuple[str, ...] = ()
        if self.user:
            before = ("setpriv", "--reuid", self.user, "--regid", str(pwd.getpwnam(self.user).pw_gid))
            before += ("--init-groups",)
        if self.offline and offline_is_possible():
            before = ("unshare", "--net", *before)
        return (*before, program, *words[1:])

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the reader's shell would have: nothing of pytest's or of a make around it."""
        outer = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "XDG_"))
            and name not in {"RUNTIMES", "SITE", "PROFILE", "RESULTS", "IMAGES", "FRESH", "YES"}
        }
        own: dict[str, str] = {}
        if self.user:
            entry = pwd.getpwnam(self.user)
            own = {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
        return {**outer, **own, **self.env, **(more or {})}

    def run(
        self,
        *words: str,
        ends: int = 0,
        env: Mapping[str, str] | None = None,
        through: tuple[str, ...] = (),
    ) -> Done:
        """Run one command to its end, and hold it to its exit status; ``through`` are words put before it."""
        argv = (*through, *self.argv(*words))
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == ends, (
            f"{' '.join(words)} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )
        assert "Traceback (most recent call last)" not in done.stderr, done.stderr
        return Done(words, done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Begin a command, as the leader of a group of its own."""
        return subprocess.Popen(
            self.argv(*words),
            cwd=self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def write(self, path: str, text: str) -> Path:
        """Write a file as an editor would, and give it to whoever works here."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        if self.user:
            for each in (target, target.parent):
                shutil.chown(each, self.user)
        return target

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace what stands once in a file."""
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def runs(self, site: str = "local", results: str = "results") -> list[str]:
        """Names of a site's runs, oldest first."""
        folder = self.folder / results / site
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def answers(self, *words: str) -> list[dict[str, Any]]:
        """What `evaluation report --format json` says of each site."""
        told = self.run("evaluation", "report", "--format", "json", *words)
        sites: list[dict[str, Any]] = json.loads(told.out)["sites"]
        return sites


def offline_is_possible() -> bool:
    if os.getuid() != 0:
        return False
    return subprocess.run(("unshare", "--net", "true"), capture_output=True, check=False).returncode == 0


def ordinary_user() -> str:
    """The unprivileged user where root runs the tests; empty where an ordinary user does."""
    if os.getuid() != 0:
        return ""
    if not MEASURING_USER.exists():
        pytest.skip("root runs the tests, and there is no measuring user: setup/runtimes install makes one")
    return MEASURING_USER.read_text().strip()


def named_user() -> tuple[str, ...]:
    """`--as USER`, where root runs the tests and somebody else must be named; as oneself, oneself."""
    return ("--as", ordinary_user() or pwd.getpwuid(os.getuid()).pw_name)


def everybodys_python() -> Path:
    """A Python that every user may execute, of the version whose packages are here."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.base_prefix, "bin", version), Path("/usr/bin", version)):
        real = candidate.resolve()
        if real.exists() and everybody_enters(real):
            return candidate
    return pytest.skip(f"there is no {version} that every user may execute")


def everybody_enters(path: Path) -> bool:
    """Whether every user may get there, and enter or execute it."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))


def clean_clone(folder: Path, python: Path) -> Path:
    """Clone what is committed, and what is not yet; give it an environment with the packages of ours.

    The packages of the lock are those of the environment that runs the tests, by a line in a `.pth` file; the
    project itself is installed from the clone, as `setup/venv` does.
    """
    _git("clone", "--quiet", "--no-local", str(PROJECT), str(folder))
    if difference := _git("-C", str(PROJECT), "diff", "--binary", "HEAD"):
        subprocess.run(("git", "-C", folder, "apply"), input=difference, check=True, capture_output=True)
    others = _git("-C", str(PROJECT), "ls-files", "--others", "--exclude-standard", "-z").split(b"\0")
    for name in filter(None, (os.fsdecode(each) for each in others)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    environment = folder / ".venv"
    subprocess.run((python, "-m", "venv", "--without-pip", environment), check=True, capture_output=True)
    packages = next((environment / "lib").glob("python3*/site-packages"))
    ours = Path(sys.prefix)
    lock = ours / packages.relative_to(environment)
    if not everybody_enters(lock):
        shutil.copytree(lock, environment / "lock", symlinks=True, copy_function=_link)
        lock = environment / "lock"
    (packages / "lock.pth").write_text(f"{lock}\n")
    install = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps")
    subprocess.run(
        (environment / "bin/python", *install, "--no-build-isolation", "--no-index", "--editable", folder),
        check=True,
        capture_output=True,
    )
    for script in (ours / "bin").iterdir():
        _into(environment / "bin" / script.name, script, environment)
    for name in ("share", "etc"):
        if (environment / name).exists() or not (ours / name).exists():
            continue
        if everybody_enters(ours / name):
            (environment / name).symlink_to(ours / name)
        else:
            shutil.copytree(ours / name, environment / name, symlinks=True, copy_function=_link)
    (environment / ".complete").touch()
    return folder


def _into(target: Path, script: Path, environment: Path) -> None:
    """Put one of our programs into the clone's environment; its Python runs what is a Python script."""
    if target.exists() or target.is_symlink() or not script.is_file():
        return
    content = script.read_bytes()
    first, _, rest = content.partition(b"\n")
    if first.startswith(b"#!") and str(Path(sys.prefix) / "bin").encode() in first:
        target.write_bytes(f"#!{environment}/bin/python\n".encode() + rest)
        target.chmod(0o755)
    else:
        target.symlink_to(script)


def _link(source: str, target: str) -> None:
    """Copy a file without its content, where both are on one file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _git(*words: str) -> bytes:
    return subprocess.run(("git", *words), check=True, capture_output=True).stdout


def new_folder() -> Path:
    """Make a temporary folder that every user can enter, unlike pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="evaluation-journey-"))
    folder.chmod(0o755)
    return folder
