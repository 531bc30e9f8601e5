"""Real turns of real probes on this machine, without a container: what holds and fails bare."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.measure.user import User, ourselves
from evaluation.model import CONTROL, Bind, Task
from evaluation.payload.build import build
from evaluation.probes.base import Completed, Observations, PreparedForm
from evaluation.probes.registry import find
from evaluation.runtimes.base import Argv
from evaluation.runtimes.host import RUNTIMES, Host
from evaluation.testing import TakesTurns

NOBODY_IN_PARTICULAR = 54_321
"""An ordinary uid that no account here has; not 65534, which stands for "not mapped" too."""

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapped(Host):
    """The bare process behind another command."""

    def argv(self, task: Task) -> Argv:
        return (*self.options, *Host.argv(self, task))


@dataclass(slots=True, kw_only=True)
class RootInsideSession(TurnSession):
    """A turn whose launched commands run as root, while the user stays who it is."""

    root: Launcher

    def launch(
        self,
        argv: Sequence[str],
        *,
        binds: Sequence[Bind] = (),
        env: Mapping[str, str] | None = None,
        host_env: Mapping[str, str] | None = None,
        workdir: str | None = None,
        stdin: bytes = b"",
        timeout_s: float = 60.0,
        cpus: str = "",
        before: Sequence[str] = (),
        memory_bytes: int = 0,
        terminal: bool = False,
        writable: bool = False,
    ) -> Completed:
        command = self._command(
            argv, binds, env, host_env, workdir, stdin, cpus,
            before=before, memory_bytes=memory_bytes, terminal=terminal, writable=writable,
        )  # fmt: skip
        return self._keep(self.root.run(command, timeout_s=timeout_s))


@contextmanager
def being(user: User, groups: tuple[int, ...]) -> Iterator[None]:
    """Be the measuring user, as where nobody is root; without root we are that anyway."""
    if os.getuid() != 0:
        yield
        return
    before = os.getgroups()
    os.setgroups(groups)
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A directory that an ordinary user can enter; not in /tmp, which some wrappers hide."""
    path = Path(tempfile.mkdtemp(prefix="evaluation-tests-", dir="/var/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def payload(scratch: Path) -> Path:
    def run(argv: Sequence[str]) -> tuple[int, str]:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return build(scratch / "payload", run)


@pytest.fixture(scope="session")
def ordinary_user() -> User:
    if os.getuid() != 0:
        return ourselves()
    return User(
        name="nobody-in-particular",
        uid=NOBODY_IN_PARTICULAR,
        gid=NOBODY_IN_PARTICULAR,
        groups=(),
        home="/nonexistent",
        env={"PATH": PATH},
    )


@pytest.fixture(scope="session")
def take_turn(scratch: Path, payload: Path, ordinary_user: User) -> Iterator[TakesTurns]:
    with ExitStack() as stack:
        launcher = stack.enter_context(Launcher(ordinary_user))
        root = stack.enter_context(Launcher(ourselves()))
        bench = Bench(launcher=launcher, verifier=root, payload=payload, scratch=scratch)

        def turn(
            name: str,
            *,
            wrap: tuple[str, ...] = (),
            root_inside: bool = False,
            form: PreparedForm | None = None,
            groups: tuple[int, ...] | None = None,
        ) -> Observations:
            probe = find(name)
            bare = RUNTIMES[0]
            runtime = Wrapped(
                id=CONTROL,
                family="host",
                mode="wrapped",
                form=bare.form,
                commands=bare.commands,
                options=wrap,
            )
            id_ = "root-inside" if root_inside else "wrapped" if wrap else CONTROL
            # The host itself is the unpacked tree: no image is needed to try a probe bare.
            arm = Arm(id=id_, runtime=runtime, reference="/", image_digest="", form=form, others={"med": "/"})
            with work_directory(bench) as work:
                session = TurnSession(bench=bench, arm=arm, probe=probe, block=0, order=0, work=work)
                if root_inside:
                    session = RootInsideSession(
                        bench=bench, arm=arm, probe=probe, block=0, order=0, work=work, root=root
                    )
                with nullcontext() if groups is None else being(ordinary_user, groups):
                    probe.observe(session)
            return Observations(tuple(session.observations))

        yield turn


@pytest.fixture(scope="session")
def user_namespaces(ordinary_user: User) -> None:
    """Skip where an ordinary user may not make a user namespace."""
    with Launcher(ordinary_user) as launcher:
        tried = launcher.run(
            Command(argv=("unshare", "--user", "--map-root-user", "true"), env=ordinary_user.env),
            timeout_s=10,
        )
    if not tried.ok:
        pytest.skip("an ordinary user may not make a user namespace here")


@pytest.fixture(scope="session")
def user_can_plant() -> bool:
    return os.getuid() == 0
