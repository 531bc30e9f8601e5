"""What tests against real runtimes share: a started engine, a launcher, arms that are ready.

Without root everything is done as the user who runs the tests, with what is there. Whatever was started
here is ended here.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from rival import NOBODY, PRECIOUS, Race

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage
from evaluation.images.convert import ConvertedForm
from evaluation.measure.alone import LOCK
from evaluation.measure.discovery import FoundRuntime, discover
from evaluation.measure.forms import ready
from evaluation.measure.images import built_image
from evaluation.measure.launcher import Launcher
from evaluation.measure.preparation import build_payload
from evaluation.measure.session import Arm, Bench
from evaluation.measure.user import MARKER, measuring_user, ourselves
from evaluation.model import CONTROL
from evaluation.sites import load_site

# The same examples every time: a test that fails now and then tells nobody anything. Health checks are about
# the speed of the machine and of the search, not about the project.
settings.register_profile(
    "project",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.load_profile("project")

# A measurement on this machine hides no test, nor does what the other worker does.
os.environ[LOCK] = f"tests-{os.getpid()}"

PROJECT = Path(__file__).parents[1]
MACHINE = {"batch", "conformance", "images", "journeys", "worlds"}
"""Folders of tests that look after the machine: see `pytest_collection_modifyitems`."""
SETUP = PROJECT / "setup" / "runtimes"
ENGINES = PROJECT / "setup" / "engines"
ArmOf = Callable[[str], Arm]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Part the tests in two for `make test`, which runs two workers.

    What looks after containers, daemons and their locks keeps to one worker: two of these at once would see
    each other. The other worker decides, draws and reads meanwhile, and plays with fakes.
    """
    for item in items:
        folder = item.path.relative_to(PROJECT / "tests").parts[0]
        real = item.get_closest_marker("real") is not None or "engine" in item.fixturenames
        group = "machine" if real or folder in MACHINE else "papers"
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that the measuring user can enter, unlike pytest's."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o1777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def race() -> Iterator[Race]:
    """Two folders, one of nobody's and one of root's, for tests against a process of another user."""
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    work, victim = top / "work", top / "victim"
    work.mkdir()
    os.chown(work, NOBODY, NOBODY)
    victim.mkdir()
    victim.chmod(0o700)
    (victim / PRECIOUS).write_text("mine")
    (victim / PRECIOUS).chmod(0o640)
    yield Race(work=work, victim=victim)
    shutil.rmtree(top)


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """Docker's engines, where the set-up of this project put some that are not running."""
    stop: tuple[str, ...] = ()
    if os.getuid() == 0 and MARKER.with_name("embedded-set").exists():
        done = subprocess.run((SETUP, "start"), capture_output=True, text=True, check=False)
        said = done.stdout.splitlines()
        if said[-1:] == ["dockerd: started"]:
            stop = ("stop",)
        elif "rootless dockerd: started" in said:
            stop = ("stop", "rootless")
    yield
    if stop:
        subprocess.run((SETUP, *stop), capture_output=True, check=True)


def _batch_engine(name: str) -> Iterator[dict[str, str]]:
    """Start a batch system of ours unless it runs; what its commands need in the environment."""

    def setup(*arguments: str) -> list[str]:
        return subprocess.run(
            (ENGINES, *arguments), stdout=subprocess.PIPE, text=True, check=True
        ).stdout.splitlines()

    there = setup("status")
    if f"engines: {name}: not installed" in there:
        pytest.skip(f"{name} is not installed: as root, setup/engines install")
    if os.getuid() != 0 and f"engines: {name}: runs" not in there:
        pytest.skip(f"{name} does not run: as root, setup/engines start {name}")
    started = os.getuid() == 0 and setup("start", name)[-1] == f"{name}: started"
    try:
        yield dict(line.split("=", 1) for line in setup("env", name))
    finally:
        if started:
            setup("stop", name)


@pytest.fixture(scope="session")
def slurm() -> Iterator[dict[str, str]]:
    """A real Slurm of four virtual nodes with its accounting: the environment its commands need."""
    yield from _batch_engine("slurm")


@pytest.fixture(scope="session")
def gridengine() -> Iterator[dict[str, str]]:
    """A real Grid Engine of one host with sixteen slots: the environment its commands need."""
    yield from _batch_engine("gridengine")


@pytest.fixture(scope="session")
def launcher(engine: None) -> Iterator[Launcher]:  # noqa: ARG001 - it must run before, and end after
    """Starts processes as the measuring user; its end ends all of them, podman's pause process too."""
    try:
        user = measuring_user()
    except EvaluationError as error:
        pytest.skip(str(error))
    with Launcher(user) as started:
        yield started


@pytest.fixture(scope="session")
def bench(launcher: Launcher) -> Iterator[Bench]:
    """The payload and a scratch directory that the measuring user can reach, unlike pytest's own."""
    scratch = Path(tempfile.mkdtemp(prefix="evaluation-tests-"))
    scratch.chmod(0o755)
    payload = scratch / "payload"
    payload.mkdir(mode=0o755)
    try:
        build_payload(payload)
        with Launcher(ourselves()) as verifier:
            yield Bench(launcher=launcher, verifier=verifier, payload=payload, scratch=scratch)
    except EvaluationError as error:
        pytest.skip(str(error))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture(scope="session")
def image(launcher: Launcher) -> BuiltImage:
    """The evaluation image, built once and kept in the measuring user's cache."""
    try:
        return built_image("small", PROJECT / "images", launcher)
    except EvaluationError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def found(launcher: Launcher) -> dict[str, FoundRuntime]:
    """Every known runtime as it was found here, by id."""
    return {item.facts.id: item for item in discover(load_site("local", PROJECT / "sites"), launcher)}


@pytest.fixture(scope="session")
def arm_of(bench: Bench, image: BuiltImage, found: dict[str, FoundRuntime]) -> ArmOf:
    """Give a runtime that is ready to run the image; skip with the reason where there is none."""
    made: dict[str, Arm | str] = {}

    forms: dict[str, ConvertedForm | None] = {}
    digests: list[str] = []

    def make(runtime: str) -> Arm | str:
        if (base := found[runtime].runtime.base) and base not in forms:
            arm(base)  # skips where it is not here
        readied, form = ready(found[runtime], image, bench.launcher, bench.payload, forms.get(base))
        forms[runtime] = form
        if form is None:
            return readied.facts.reason
        if runtime == CONTROL:
            digests.append(form.digest)
        elif not digests:
            arm(CONTROL)
        form = replace(form, digest=digests[0])  # that of all of its forms, as in a run
        return Arm(id=runtime, runtime=readied.runtime, reference=form.reference, image_digest=form.digest)

    def arm(runtime: str) -> Arm:
        if runtime not in made:
            made[runtime] = make(runtime)
        answer = made[runtime]
        if isinstance(answer, str):
            pytest.skip(f"{runtime}: {answer}")
        return answer

    return arm
