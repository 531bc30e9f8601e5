"""Building: with a stand-in for every tool, which writes what the tool would, to see what we do about it."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from unreadable import unreadable

from evaluation.errors import EvaluationError
from evaluation.images import holding
from evaluation.images.build import BuiltImage, build, noted_image, opened_of
from evaluation.images.process import UnreadableCacheError, must, without_addresses
from evaluation.images.recipe import Recipe, load_recipe
from evaluation.model import Completed
from evaluation.testing import ended

RECIPE = load_recipe(Path(__file__).parents[2] / "images", "small")
OTHER = RECIPE.model_copy(update={"leave_out": (*RECIPE.leave_out, "/nowhere")})
"""Another recipe, which happens to make the same."""
TARGETS = b"Packages other://left-out\nDebian http://user:secret@mirror.example/debian\n"


@dataclass
class Tools:
    """Plays the measuring user's commands; ``fail`` names those that fail, with what they say."""

    fail: dict[str, str] = field(default_factory=dict)
    called: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        assert timeout_s > 0
        command = tuple(word for word in argv if word != "env" and "EPOCH=" not in word)
        self.called.append(command)
        if command[0] == "which":
            return ended(exit_status=1 if command[1] in self.fail else 0)
        if command[0] in self.fail:
            return ended(exit_status=25, stderr=self.fail[command[0]].encode())
        return self.play(command, stdin)

    def play(self, command: tuple[str, ...], stdin: bytes) -> Completed:
        name, last = command[0], Path(command[-1])
        if name == "mkdir":
            last.mkdir(parents=True, exist_ok=True)
        elif name == "mmdebstrap":
            assert stdin.startswith(b"deb http://user:secret@mirror.example/debian bookworm main")
            with tarfile.open(command[-2], "w") as tar:
                info = tarfile.TarInfo("./var/lib/dpkg/status")
                data = b"Package: python3\nStatus: install ok installed\nVersion: 3\n"
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        elif name == "cp":
            (last / "image.tar").write_bytes(Path(command[1]).read_bytes())
        elif name == "tee":
            last.write_bytes(stdin)
        elif name == "apt-get":
            return ended(TARGETS)
        elif name == "df":
            return ended(b"Avail\n%d\n" % 10**12)
        return ended()


def built(cache: Path, tools: Tools, recipe: Recipe = RECIPE) -> BuiltImage:
    return build(recipe, "small", cache, tools, tools)


def test_what_was_built_is_taken_again(tmp_path: Path) -> None:
    tools = Tools()
    first = built(tmp_path, tools)
    assert first.packages == ("python3=3",)
    assert first.archives.name == f"container-evaluation/small:{first.tar_sha256[:12]}"
    assert first.tar_bytes == Path(first.archives.tar).stat().st_size
    tools.called.clear()
    assert built(tmp_path, tools) == first
    assert tools.called == []
    other = built(tmp_path, tools, OTHER)
    assert other.folder != first.folder
    assert other.tar_sha256 == first.tar_sha256


def test_the_mirror_is_in_no_message_and_in_no_file(tmp_path: Path) -> None:
    image = built(tmp_path, Tools())
    assert b"mirror.example" not in b"".join(path.read_bytes() for path in Path(image.folder).iterdir()
                                             if path.name != "raw.tar")  # fmt: skip
    failing = FailingLate(fail={"mmdebstrap": "E: cannot fetch http://user:secret@mirror.example/x"})
    with pytest.raises(EvaluationError, match="mmdebstrap ended with 25") as told:
        built(tmp_path, failing, OTHER)
    assert "secret" not in str(told.value)
    assert "cannot fetch <mirror>" in str(told.value)
    assert without_addresses("see https://a.b/c and file:///d") == "see <mirror> and <mirror>"


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"packages": 5}', '{"packages": [], "surprise": 1}'])
def test_a_half_written_note_is_no_image(tmp_path: Path, note: str) -> None:
    tools = Tools()
    image = built(tmp_path, tools)
    (Path(image.folder) / "built.json").write_text(note)
    assert noted_image(Path(image.folder)) is None
    tools.called.clear()
    again = built(tmp_path, tools)
    assert replace(again, build_s=0) == replace(image, build_s=0)
    assert any(command[0] == "mmdebstrap" for command in tools.called)


def test_a_folder_that_was_moved_is_the_same_image(tmp_path: Path) -> None:
    image = built(tmp_path / "here", Tools())
    (tmp_path / "here").rename(tmp_path / "there")
    moved = built(tmp_path / "there", Tools())
    assert moved.folder == image.folder.replace("/here/", "/there/")


def test_an_image_that_cannot_be_read_is_neither_built_nor_removed(tmp_path: Path) -> None:
    image = built(tmp_path, Tools())
    tools = Tools()
    with unreadable(), pytest.raises(UnreadableCacheError, match="cannot be read") as told:
        built(tmp_path, tools)
    assert tools.called == []
    assert told.value.where == image.folder
    assert "EVALUATION_CACHE" in told.value.advice
    assert Path(image.folder, "built.json").exists()


def test_an_image_that_another_clone_is_building_is_waited_for_and_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_LOOK_S", 0.05)
    other = built(tmp_path / "elsewhere", Tools())
    folder = tmp_path / "here" / "images" / Path(other.folder).name
    folder.parent.mkdir(parents=True)
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)

    def finish() -> None:
        shutil.copytree(other.folder, folder)
        os.close(lock)

    timer = threading.Timer(0.3, finish)
    timer.start()
    tools = Tools()
    image = built(tmp_path / "here", tools)
    timer.join()
    assert image.tar_sha256 == other.tar_sha256
    assert "mmdebstrap" not in {command[0] for command in tools.called}


def test_an_image_that_is_measured_with_is_not_built_over(tmp_path: Path) -> None:
    folder = Path(built(tmp_path, Tools()).folder)
    (folder / "built.json").write_text("of another version")
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    tools = Tools()
    with pytest.raises(EvaluationError, match="a measurement uses this image") as told:
        built(tmp_path, tools)
    assert "EVALUATION_CACHE" in told.value.advice
    assert "rm" not in {command[0] for command in tools.called}
    os.close(lock)
    assert built(tmp_path, tools).packages


def test_missing_tools_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"cannot be built here: umoci, skopeo not found") as told:
        built(tmp_path, Tools(fail={"umoci": "", "skopeo": ""}))
    assert "Install umoci, skopeo, or copy a built small-" in told.value.advice


@pytest.mark.parametrize("tool", ["mmdebstrap", "umoci", "skopeo", "cp", "tee"])
def test_a_failing_step_leaves_no_image(tmp_path: Path, tool: str) -> None:
    tools = Tools(fail={tool: "\n".join(f"line {number}" for number in range(20))})
    if tool in {"umoci", "skopeo", "mmdebstrap"}:
        tools = FailingLate(fail=tools.fail)
    with pytest.raises(EvaluationError, match=rf"{tool} ended with 25: line 19\n(.|\n)*line 12\n"):
        built(tmp_path, tools)
    (folder,) = (tmp_path / "images").iterdir()
    assert noted_image(folder) is None


class FailingLate(Tools):
    """The tools are there, and fail when they are used."""

    def __call__(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Completed:
        return ended() if argv[0] == "which" else super().__call__(argv, stdin, timeout_s)


def test_a_step_that_hangs_says_so() -> None:
    with pytest.raises(EvaluationError, match="umoci did not end within 3600 s"):
        must(lambda *_: ended(exit_status=-9, timed_out=True), ("umoci",))


def test_no_mirror_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_build.TARGETS", b"Ubuntu http://mirror.example\n")
    with pytest.raises(EvaluationError, match="no Debian mirror among apt's sources"):
        built(tmp_path, Tools())


@pytest.mark.parametrize("planted", ["link", "folder", "pipe", "anothers"])
def test_root_reads_only_what_the_user_has_made(tmp_path: Path, planted: str) -> None:
    path, secret = tmp_path / "raw.tar", tmp_path / "secret"
    secret.write_text("for root only")
    if planted == "link":
        path.symlink_to(secret)
    elif planted == "folder":
        path.mkdir()
    elif planted == "pipe":
        os.mkfifo(path)
    else:
        if os.getuid() != 0:
            pytest.skip("only root can plant another's file")
        path.write_text("x")
        os.chown(tmp_path, 65534, 65534)
    with pytest.raises(EvaluationError, match="not the file that was made"):
        opened_of(path)


def test_a_folder_that_is_gone_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="not the file that was made there: No such file"):
        opened_of(tmp_path / "gone" / "raw.tar")


def test_what_the_user_has_made_is_read(tmp_path: Path) -> None:
    (tmp_path / "raw.tar").write_bytes(b"data")
    with opened_of(tmp_path / "raw.tar") as stream:
        assert stream.read() == b"data"


def test_the_note_is_plain(tmp_path: Path) -> None:
    image = built(tmp_path, Tools())
    note = json.loads((Path(image.folder) / "built.json").read_text())
    assert note["tar_sha256"] == image.tar_sha256
    assert note["packages"] == ["python3=3"]
