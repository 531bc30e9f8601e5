"""From the archives to a runtime's form: kept while it is the same inside, made anew when it is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from unreadable import unreadable

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage
from evaluation.images.convert import (
    ConvertedForm,
    UnseenFolderError,
    content_inside,
    convert,
    kept_form,
    shared_form,
)
from evaluation.images.process import UnreadableCacheError
from evaluation.model import Completed, Form, Task
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Archives, Argv, Preparation
from evaluation.testing import FakeRuntime, ended


def digest_line(sha256: str) -> bytes:
    return json.dumps({"what": "digest", "sha256": sha256}).encode() + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying(FakeRuntime):
    """A runtime whose form is a file, and whose container prints the digest of that file."""

    form: Form = Form.DIRECTORY

    def prepare(self, archives: Archives, store: str) -> Preparation:
        path = f"{store}/{self.id}"
        return Preparation(reference=path, path=path, steps=(("make-form", archives.tar, path),))

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        return stderr if exit_status == 125 else None


@dataclass
class Shell:
    """Plays the commands on real files."""

    contents: bytes = b"contents"
    called: list[Argv] = field(default_factory=list)
    answer: Completed | None = None

    def __call__(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert timeout_s > 0
        self.called.append(tuple(argv))
        last = Path(argv[-1])
        if argv[0] == "mkdir":
            last.mkdir(parents=True, exist_ok=True)
        elif argv[0] == "rm":
            last.unlink(missing_ok=True)
        elif argv[0] == "mv" and Path(argv[-2]).exists():
            Path(argv[-2]).rename(last)
        elif argv[0] == "test":
            return ended(exit_status=0 if last.exists() else 1)
        elif argv[0] == "make-form":
            last.write_bytes(self.contents)
        elif argv[0] == "tee":
            last.write_bytes(stdin)
        elif argv[0] == "du":
            return ended(f"{last.stat().st_size}\t{last}".encode())
        elif argv[0] == "df":
            return ended(b"Avail\n%d\n" % 10**12)
        elif argv[0] == "fake":
            return self.answer or self.inside(Path(argv[4]).parent)
        return ended()

    def inside(self, payload: Path) -> Completed:
        form = Path(str(payload).removesuffix("/payload"))
        if not form.exists():
            return ended(exit_status=125, stderr=b"no such image: http://mirror.example/x")
        return ended(b"a word of the runtime\n" + digest_line(hashlib.sha256(form.read_bytes()).hexdigest()))

    @property
    def made(self) -> int:
        return sum(argv[0] == "make-form" for argv in self.called)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside(Copying):
    """The same; its command line names the form where `Shell` finds it."""

    def argv(self, task: object) -> Argv:
        image = task.image  # type: ignore[attr-defined]
        return (self.command, "--an", "--option", "--more", f"{image}/payload/probe", "/")


@pytest.fixture
def image(tmp_path: Path) -> BuiltImage:
    return BuiltImage(
        name="small", recipe_sha256="", tar_sha256="0" * 64, tar_bytes=1, build_s=0.0, packages=(),
        folder=str(tmp_path),
    )  # fmt: skip


def test_a_form_is_made_once_with_its_size_and_digest(image: BuiltImage) -> None:
    shell = Shell()
    form = convert(image, Inside(), shell, "/payload")
    assert (form.size_bytes, form.digest) == (8, hashlib.sha256(b"contents").hexdigest())
    assert convert(image, Inside(), shell, "/payload") == form
    assert shell.made == 1


def test_all_that_an_engine_says_of_a_form_is_added_up(image: BuiltImage) -> None:
    class Stored(Inside):
        def prepare(self, archives: Archives, store: str) -> Preparation:
            return replace(Inside.prepare(self, archives, store), sizes=sizes)

    sizes = (("du", f"{image.folder}/a"), ("du", f"{image.folder}/b"))  # the shell's du prints a length
    for name in "ab":
        Path(image.folder, name).write_bytes(b"1" * (5 if name == "a" else 20))
    assert convert(image, Stored(), Shell(), "/payload").size_bytes == 25


def test_a_form_is_made_with_the_environment_that_its_runtime_asks_for(image: BuiltImage) -> None:
    class Cached(Inside):
        def prepare(self, archives: Archives, store: str) -> Preparation:
            return replace(Inside.prepare(self, archives, store), env=(f"A_CACHEDIR={store}/cache",))

    class Env(Shell):
        def __call__(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
            done = Shell.__call__(self, argv[2:] if argv[0] == "env" else argv, stdin, timeout_s)
            self.called[-1] = tuple(argv)
            return done

    shell = Env()
    convert(image, Cached(), shell, "/payload")
    (made,) = (argv for argv in shell.called if "make-form" in argv)
    assert made[:3] == ("env", f"A_CACHEDIR={image.folder}/forms/cache", "make-form")


def test_a_form_that_was_tampered_with_is_made_anew(image: BuiltImage) -> None:
    shell = Shell()
    form = convert(image, Inside(), shell, "/payload")
    Path(form.reference).write_bytes(b"tampered")
    assert content_inside(form.reference, Inside(), shell, "/payload", image.name).sha256 != form.digest
    again = convert(image, Inside(), shell, "/payload")
    assert (again.digest, shell.made) == (form.digest, 2)
    assert Path(form.reference).read_bytes() == b"contents"


def test_a_mode_runs_its_bases_form_after_a_look_and_makes_nothing(image: BuiltImage) -> None:
    shell = Shell()
    form = convert(image, Inside(), shell, "/payload")
    called = len(shell.called)
    mode = Inside(id="fake-mode", base="fake")
    shared = shared_form(form, mode, shell, "/payload", image.name)
    assert shared == replace(form, runtime="fake-mode", first_start_s=None)
    (looked,) = shell.called[called:]
    assert looked == mode.argv(Task(image=form.reference, argv=()))
    Path(form.reference).write_bytes(b"tampered")
    assert shared_form(form, mode, shell, "/payload", image.name).digest != form.digest
    Path(form.reference).unlink()
    with pytest.raises(EvaluationError, match="cannot be read from inside"):
        shared_form(form, mode, shell, "/payload", image.name)
    assert shell.made == 1


def test_a_form_that_is_gone_is_made_anew(image: BuiltImage) -> None:
    shell = Shell()
    form = convert(image, Inside(), shell, "/payload")
    Path(form.reference).unlink()
    assert convert(image, Inside(), shell, "/payload").digest == form.digest
    assert shell.made == 2


def test_a_form_is_not_lost_where_its_runtime_can_read_none(image: BuiltImage) -> None:
    shell = Shell()
    form = convert(image, Inside(), shell, "/payload")
    shell.answer = ended(exit_status=125, stderr=b"user namespaces are off")
    with pytest.raises(EvaluationError, match="user namespaces are off"):
        convert(image, Inside(), shell, "/payload")
    assert Path(form.reference).read_bytes() == b"contents"
    shell.answer = None
    made = shell.made
    assert convert(image, Inside(), shell, "/payload") == form
    assert shell.made == made
    assert [path.name for path in Path(image.folder, "forms").glob("*.before")] == []


def test_a_form_that_cannot_be_read_is_not_made_over(image: BuiltImage) -> None:
    convert(image, Inside(), Shell(), "/payload")
    shell = Shell()
    with unreadable(), pytest.raises(UnreadableCacheError, match="nothing is built or removed") as told:
        convert(image, Inside(), shell, "/payload")
    assert "EVALUATION_CACHE" in told.value.advice
    assert told.value.where == f"{image.folder}/forms"
    assert shell.called == []


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"form": "directory"}', '{"form": "none-such"}'])
def test_a_half_written_note_is_no_form(image: BuiltImage, note: str) -> None:
    shell = Shell()
    convert(image, Inside(), shell, "/payload")
    path = Path(image.folder) / "forms" / "fake.json"
    path.write_text(note)
    assert kept_form(path) is None
    convert(image, Inside(), shell, "/payload")
    assert shell.made == 2


def test_a_note_cannot_lead_elsewhere(image: BuiltImage, tmp_path: Path) -> None:
    shell = Shell()
    form = convert(image, Inside(), shell, "/payload")
    other = tmp_path / "other"
    other.write_bytes(b"other")
    path = Path(image.folder) / "forms" / "fake.json"
    led = {
        **json.loads(path.read_text()),
        "reference": str(other),
        "digest": hashlib.sha256(b"other").hexdigest(),
    }
    path.write_text(json.dumps(led))
    assert convert(image, Inside(), shell, "/payload").reference == form.reference


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            ended(exit_status=125, stderr=b"engine says no: https://mirror.example/x"),
            "engine says no: <mirror>",
        ),
        (ended(exit_status=1, stderr=b"Traceback"), "Traceback"),
        (ended(b""), "it printed nothing"),
        (ended(b"not a digest\n"), "it printed nothing"),
        (ended(digest_line("0" * 64), exit_status=1), "it printed nothing"),
    ],
)
def test_what_cannot_be_read_from_inside_says_why(answer: Completed, reason: str) -> None:
    with pytest.raises(EvaluationError, match="the image cannot be read from inside") as told:
        content_inside("image", Inside(), Shell(answer=answer), "/payload", "small")
    assert told.value.what.endswith(reason)
    assert told.value.where == "fake, image"


def test_files_that_cannot_be_read_are_counted_and_one_is_named() -> None:
    line = json.dumps({"what": "digest", "errors": 2, "first_error": "/etc/shadow"}).encode()
    with pytest.raises(EvaluationError, match="2 files of the image cannot be read from inside: /etc/shadow"):
        content_inside("image", Inside(), Shell(answer=ended(line, exit_status=1)), "/payload", "small")


def test_a_note_comes_back_as_it_was(image: BuiltImage) -> None:
    form = convert(image, Inside(), Shell(), "/payload")
    found = kept_form(Path(image.folder) / "forms" / "fake.json")
    assert found == form
    assert isinstance(found, ConvertedForm)
    assert found.form is Form.DIRECTORY


@pytest.mark.parametrize(
    ("bound", "how"),
    [
        (ended(exit_status=125, stderr=b"docker: bind source path does not exist: /x"), "does not exist: /x"),
        (ended(), "it sees nothing in it that it could run"),
    ],
)
def test_a_folder_that_a_runtime_does_not_see_is_not_its_failure(bound: Completed, how: str) -> None:
    """As where an engine has another /tmp, or TMPDIR is outside what Shifter shows."""
    runtime = known_runtimes()["docker"]

    def run(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert (stdin, timeout_s > 0) == (b"", True)
        if argv[-1] != "/bin/true":
            return ended(exit_status=125, stderr=b"docker: no such file: /payload/probe")
        return bound if any("/payload" in word for word in argv) else ended()

    with pytest.raises(UnseenFolderError, match="but not with a folder of /scratch bound: TMPDIR") as told:
        content_inside("small", runtime, run, "/scratch/x/payload", "small")
    assert how in told.value.what
    assert "TMPDIR" in told.value.advice


def test_a_folder_that_is_seen_is_not_blamed_for_a_list_that_is_missing() -> None:
    """A fake of a runtime that runs the payload, which finds no list of the image's paths."""
    runtime = known_runtimes()["docker"]

    def run(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert (stdin, timeout_s > 0) == (b"", True)
        return ended(exit_status=1, stderr=b"probe: no list of paths") if "digest" in argv else ended()

    with pytest.raises(EvaluationError, match="cannot be read from inside: probe: no list of paths") as told:
        content_inside("small", runtime, run, "/scratch/x/payload", "small")
    assert not isinstance(told.value, UnseenFolderError)


def test_a_runtime_that_does_not_start_at_all_keeps_its_own_words() -> None:
    def run(argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert (bool(argv), stdin, timeout_s > 0) == (True, b"", True)
        return ended(exit_status=125, stderr=b"docker: no such image")

    with pytest.raises(EvaluationError, match="docker: no such image") as told:
        content_inside("small", Copying(), run, "/scratch/x/payload", "small")
    assert not isinstance(told.value, UnseenFolderError)
