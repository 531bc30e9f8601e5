"""What holds for every adapter."""

import ast
import inspect
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest
from tasks import ARCHIVES, of

import evaluation.runtimes
from evaluation.errors import EvaluationError
from evaluation.model import CONTROL, Form, Role
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.testing import is_fake

RUNTIMES = known_runtimes()
EVERY = pytest.mark.parametrize("runtime", RUNTIMES.values(), ids=RUNTIMES)

# What could start a process, reach a network or look at this machine.
IMPURE = {"subprocess", "os", "shutil", "socket", "pathlib", "multiprocessing", "pty", "ctypes", "asyncio",
          "docker", "spython", "tempfile", "importlib"}  # fmt: skip


def test_the_control_comes_first_and_the_others_by_name() -> None:
    assert list(RUNTIMES) == [
        CONTROL, "apptainer", "apptainer-contained", "apptainer-fakeroot", "apptainer-sandbox",
        "apptainer-userns", "apptainer-userns-sandbox", "bubblewrap", "charliecloud", "charliecloud-squashfs",
        "docker", "docker-hardened", "docker-rootless", "docker-unsafe", "docker-user", "enroot", "podman",
        "podman-cgroupfs", "podman-cgroups-disabled", "podman-hpc", "podman-keep-id", "sarus", "shifter",
        "shifter-local", "singularity-oci", "vm",
    ]  # fmt: skip


def test_what_each_one_is() -> None:
    by_role = {role: {id_ for id_, runtime in RUNTIMES.items() if runtime.role is role} for role in Role}
    assert by_role[Role.BASELINE] == {CONTROL}
    assert by_role[Role.ALTERNATIVE] == {
        "apptainer", "apptainer-sandbox", "charliecloud", "docker", "podman", "shifter", "shifter-local",
    }  # fmt: skip
    assert by_role[Role.POSITIVE_CONTROL] == {"docker-unsafe"}


def test_what_nobody_has_run_with_its_adapter_is_ranked_only_when_named() -> None:
    contracts = {
        id_
        for id_, runtime in RUNTIMES.items()
        if "never run" in (sys.modules[type(runtime).__module__].__doc__ or "")
    }
    assert {"enroot", "podman-hpc", "sarus"} <= contracts
    assert {RUNTIMES[id_].role for id_ in contracts} == {Role.VARIANT}


@pytest.mark.parametrize("id_", [id_ for id_, runtime in RUNTIMES.items() if runtime.base])
def test_a_mode_runs_the_form_of_an_alternative_as_that_one_makes_it(id_: str) -> None:
    mode, base = RUNTIMES[id_], RUNTIMES[RUNTIMES[id_].base]
    assert base.role is Role.ALTERNATIVE
    assert (mode.family, mode.form, mode.commands) == (base.family, base.form, base.commands)
    alike = replace(mode, engine_options=base.engine_options)  # the store is the same one
    assert alike.prepare(ARCHIVES, "/store") == base.prepare(ARCHIVES, "/store")
    assert (mode.options, mode.engine_options) != (base.options, base.engine_options)


def test_the_measuring_user_is_filled_in_and_nothing_else() -> None:
    runtime = RUNTIMES["docker"].using(
        options=("--user", "{uid}:{gid}", "--label", "{{.ID}} {name} {}"),
        engine_options=("--host", "unix://{runtime_dir}/s"),
    )
    filled = runtime.for_user(uid=7, gid=8, runtime_dir="/r/{uid}")
    assert filled.options == ("--user", "7:8", "--label", "{{.ID}} {name} {}")
    assert filled.engine_options == ("--host", "unix:///r/{uid}/s")


def test_two_adapters_of_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.runtimes.podman.RUNTIMES", (RUNTIMES["docker"],))
    with pytest.raises(EvaluationError, match="call themselves 'docker'"):
        known_runtimes()


def test_no_fake_is_among_them() -> None:
    assert not any(map(is_fake, RUNTIMES))


@EVERY
def test_an_adapter_says_what_it_is(runtime: Runtime) -> None:
    assert runtime.mode
    assert runtime.commands
    assert runtime.form is not Form.NONE
    assert runtime.how_to_get or runtime.role is Role.BASELINE
    module = inspect.getmodule(type(runtime))
    assert module
    assert module.__name__ == f"evaluation.runtimes.{runtime.family.replace('-', '_')}"


@EVERY
def test_an_adapter_cannot_be_changed(runtime: Runtime) -> None:
    with pytest.raises(FrozenInstanceError):
        runtime.options = ()  # type: ignore[misc]
    before = (runtime.options, runtime.engine_options)
    changed = runtime.using(command="other", options=("--a",), engine_options=("--b",))
    assert changed.command == "other"
    assert (changed.options, changed.engine_options) == ((*before[0], "--a"), (*before[1], "--b"))
    assert (runtime.options, runtime.engine_options) == before


@EVERY
def test_the_same_task_gives_the_same_argv(runtime: Runtime) -> None:
    named = replace(runtime, images=(("small", "id:00ff"),))  # where a site keeps the images
    task = of(named.prepare(ARCHIVES, "/store").reference)
    argv = runtime.argv(task)
    assert argv == runtime.argv(task)
    assert all(isinstance(word, str) for word in argv)
    assert "program" in argv if runtime.role in {Role.BASELINE, Role.BESIDE} else argv[-1] == "program"


@EVERY
def test_variants_are_the_same_runtime(runtime: Runtime) -> None:
    for variant in runtime.adaptations():
        assert (variant.id, variant.family, variant.form) == (runtime.id, runtime.family, runtime.form)
        assert variant != runtime


@pytest.mark.parametrize(
    "path", sorted(Path(evaluation.runtimes.__file__).parent.glob("*.py")), ids=lambda path: path.stem
)
def test_an_adapter_imports_nothing_by_which_it_could_act(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    allowed = {"importlib", "pkgutil"} if path.stem == "__init__" else set()  # adapters are found by file
    assert not (imported & IMPURE) - allowed


# In a process of its own: an audit hook cannot be taken away again.
WATCHED = """
import sys
from dataclasses import replace
from evaluation.model import Bind, Task
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Archives

seen = []
runtimes = {id_: replace(one, images=(("a", "id:00ff"),)) for id_, one in known_runtimes().items()}
bind = Bind(source="/data", target="/work")
task = Task(image="local:/image/tree", argv=("program",), binds=(bind,), name="job")

def ask_everything():
    for runtime in runtimes.values():
        runtime.argv(task)
        runtime.prepare(Archives(name="a", tar="b", docker="c"), "/store")
        runtime.parse_version(" ".join(runtime.version_argv()))
        runtime.own_failure(1, "a line")
        runtime.cleanup(task), runtime.adaptations(), runtime.listing()

ask_everything()  # the first time, Python itself may load something
sys.addaudithook(lambda event, _: seen.append(event))
ask_everything()
print(sorted({event for event in seen if not event.startswith(("object.", "sys."))}))
"""


def test_an_adapter_starts_nothing_and_opens_nothing() -> None:
    done = subprocess.run((sys.executable, "-c", WATCHED), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (
            "import os\nimport no_such\n",
            "broken.py:2",
            "this adapter cannot be imported: ModuleNotFoundError",
        ),
        ("RUNTIMES = (\n", "broken.py:1", "this adapter cannot be imported: SyntaxError"),
        (
            "from evaluation.runtimes.podman import RUNTIMES\n",
            "evaluation/runtimes/podman.py",
            "two adapters call themselves 'podman'",
        ),
    ],
)
def test_a_faulty_adapter_is_one_sentence_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, where: str, said: str
) -> None:
    (tmp_path / "broken.py").write_text(text)
    monkeypatch.setattr(evaluation.runtimes, "__path__", [str(tmp_path), *evaluation.runtimes.__path__])
    try:
        with pytest.raises(EvaluationError) as told:
            known_runtimes()
    finally:
        sys.modules.pop("evaluation.runtimes.broken", None)
    assert (told.value.where, told.value.what.startswith(said)) == (where, True)
