"""What comes from elsewhere is added whole or not at all, and whatever is wrong is said."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from made_up_sweep import sweep_run
from travelling import hider, packed, planted_run

from evaluation.archive import container
from evaluation.archive.importing import add
from evaluation.archive.packing import pack
from evaluation.errors import EvaluationError
from evaluation.model import SWEEP
from evaluation.store import Run, find_runs

Files = dict[str, bytes]
RUN = "local/20260101T000000Z-made-up"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    return packed(folder / "results", folder / "run.zip")


def unpacked(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path: Path, files: Mapping[str, bytes], *, attributes: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = attributes << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return path


def signed(files: Files) -> Files:
    """Make sentinel and header fit again, as a liar would."""
    sentinel = json.loads(files["complete.json"])
    sentinel["sha256"] = {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name not in {"archive.json", "complete.json"}
    }
    files["complete.json"] = json.dumps(sentinel).encode()
    header = json.loads(files["archive.json"])
    header["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        for name, data in files.items()
        if name != "archive.json"
    }
    files["archive.json"] = json.dumps(header).encode()
    return files


def refused(path: Path, results: Path, match: str) -> EvaluationError:
    """Add it, and see that it is refused with these words and nothing was left behind."""
    before = sorted(results.rglob("*"))
    with pytest.raises(EvaluationError, match=match) as caught:
        add(path, results)
    assert sorted(results.rglob("*")) == before
    assert caught.value.advice
    assert str(path) in str(caught.value)
    return caught.value


def test_a_sound_archive_is_added_whole_with_plain_files_only(sound: Path, tmp_path: Path) -> None:
    added = add(sound, tmp_path / "results", sha256=hashlib.sha256(sound.read_bytes()).hexdigest().upper())
    assert added.run.path == tmp_path / "results" / RUN
    assert [run.path for run in find_runs(tmp_path / "results")] == [added.run.path]
    assert {path.name for path in added.run.path.iterdir()} == {*container.FILES}
    assert all(path.is_file() and not path.stat().st_mode & 0o111 for path in added.run.path.iterdir())
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["local"]


def test_a_second_time_it_is_here_already(sound: Path, tmp_path: Path) -> None:
    add(sound, tmp_path)
    assert "nothing to do" in refused(sound, tmp_path, "is here already").advice


def test_another_run_of_the_same_name_is_told_from_the_same(sound: Path, tmp_path: Path) -> None:
    add(sound, tmp_path / "results")
    other = packed(tmp_path / "other", tmp_path / "other.zip", "something else")
    assert "which one counts" in refused(other, tmp_path / "results", "with other contents").advice


def test_a_digest_that_the_sender_did_not_give_is_refused(sound: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="not what its sender packed"):
        add(sound, tmp_path / "results", sha256="0" * 64)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("version", [3, 99, 10**30])
def test_a_newer_archive_says_to_update(sound: Path, tmp_path: Path, version: int) -> None:
    files = unpacked(sound)
    files["archive.json"] = json.dumps(json.loads(files["archive.json"]) | {"format": version}).encode()
    assert "Update" in refused(zipped(tmp_path / "a.zip", files), tmp_path, "newer than this tool's 2").advice


def test_an_archive_of_the_first_format_is_still_read(sound: Path, tmp_path: Path) -> None:
    files = unpacked(sound)
    header = json.loads(files["archive.json"]) | {"format": 1}
    del header["beside"]
    files["archive.json"] = json.dumps(header).encode()
    assert add(zipped(tmp_path / "a.zip", files), tmp_path / "results").run.complete


# -- a run with its sweep ------------------------------------------------------------------------------


SWEPT = "20260101T000000Z-made-up-sweep"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A measurement, and beside it a sweep."""
    run = planted_run(tmp_path / "from")
    sweep = sweep_run(tmp_path / "from", SWEPT, [1, 2])
    sweep.write_manifest(sweep.manifest.model_copy(update={"plan": ""}))
    sweep.finish("2026-01-01T01:00:00.000+00:00")
    pack(run, hider(), {"sweep": sweep}).write(tmp_path / "two.zip")
    return tmp_path / "two.zip"


def here(results: Path) -> list[str]:
    return [run.path.name for run in find_runs(results)]


def test_a_run_and_its_sweep_are_added_together(two: Path, tmp_path: Path) -> None:
    added = add(two, tmp_path / "results")
    assert added.run.path.name == RUN.rpartition("/")[2]
    assert [run.path.name for run in added.beside] == [SWEPT]
    assert here(tmp_path / "results") == [added.run.path.name, SWEPT]
    for run in (added.run, *added.beside):
        run.verify()
        assert run.archived


def test_a_sweep_that_is_here_already_is_in_the_way_only_if_it_is_another(two: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    added = add(two, results)
    shutil.rmtree(added.run.path)
    add(two, results)
    assert len(here(results)) == 2
    shutil.rmtree(added.run.path)
    (added.beside[0].path / "complete.json").write_text("{}")
    before = sorted(results.rglob("*"))
    with pytest.raises(EvaluationError, match="with other contents"):
        add(two, results)
    assert sorted(results.rglob("*")) == before


@pytest.mark.parametrize("name", ["sweep/observations.jsonl", "sweep/manifest.json", "observations.jsonl"])
def test_what_is_wrong_with_one_of_them_keeps_both_out(two: Path, tmp_path: Path, name: str) -> None:
    files = unpacked(two)
    files[name] = files[name].replace(b"0", b"1", 1)
    header = json.loads(files["archive.json"])
    header["files"][name]["sha256"] = hashlib.sha256(files[name]).hexdigest()
    files["archive.json"] = json.dumps(header).encode()
    results = tmp_path / "results"
    with pytest.raises(EvaluationError, match="nothing was added"):
        add(zipped(tmp_path / "a.zip", files), results)
    assert here(results) == []


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"sweep": RUN.rpartition("/")[2]},
        {"sweep": "another"},
        {"across": SWEPT},
        {"else": SWEPT},
        {"sweep": "../x"},
    ],
)
def test_a_header_that_names_other_runs_is_refused(two: Path, tmp_path: Path, beside: dict[str, str]) -> None:
    files = unpacked(two)
    files["archive.json"] = json.dumps(json.loads(files["archive.json"]) | {"beside": beside}).encode()
    with pytest.raises(EvaluationError, match="nothing was added"):
        add(zipped(tmp_path / "a.zip", files), tmp_path / "results")
    assert here(tmp_path / "results") == []


def test_one_that_no_report_can_use_keeps_both_out(two: Path, tmp_path: Path) -> None:
    def usable(run: Run) -> None:
        if run.manifest.profile == SWEEP:
            raise EvaluationError("it is of no use", where=str(run.path), advice="Ask.")

    with pytest.raises(EvaluationError, match=f"{SWEPT}: it is of no use; nothing was added"):
        add(two, tmp_path / "results", usable=usable)
    assert here(tmp_path / "results") == []


def test_when_another_comes_in_between_none_is_added(two: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"

    def busy(run: Run) -> None:
        if run.manifest.profile != SWEEP:
            (results / RUN).mkdir(parents=True, exist_ok=True)
            (results / RUN / "somebody").touch()

    with pytest.raises(EvaluationError, match="with other contents"):
        add(two, results, usable=busy)
    assert here(results) == []


def test_a_newer_run_within_says_to_update(sound: Path, tmp_path: Path) -> None:
    files = unpacked(sound)
    files["manifest.json"] = json.dumps(json.loads(files["manifest.json"]) | {"format": 99}).encode()
    assert (
        "Update" in refused(zipped(tmp_path / "a.zip", signed(files)), tmp_path, "format 99 is newer").advice
    )


@pytest.mark.parametrize("version", [0, -1, "1", None, True, 1.0, [1]])
def test_a_header_without_a_format_is_none(sound: Path, tmp_path: Path, version: object) -> None:
    files = unpacked(sound)
    files["archive.json"] = json.dumps(json.loads(files["archive.json"]) | {"format": version}).encode()
    path = zipped(tmp_path / "a.zip", files)
    if version == 1.0 and version is not True:
        refused(path, tmp_path, "header, format")
    else:
        refused(path, tmp_path, "no format that this tool knows")


@pytest.mark.parametrize("name", ["observations.jsonl", "evidence.jsonl", "manifest.json", "complete.json"])
def test_a_changed_file_is_refused(sound: Path, tmp_path: Path, name: str) -> None:
    files = unpacked(sound)
    files[name] = files[name].replace(b"0", b"1", 1)
    refused(zipped(tmp_path / "a.zip", files), tmp_path, f"{name} is not what the header says")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused(sound: Path, tmp_path: Path, share: float) -> None:
    data = sound.read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: int(len(data) * share)])
    refused(tmp_path / "a.zip", tmp_path, "cut off or damaged")


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be read: No such file"):
        add(tmp_path / "nothing.zip", tmp_path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        add(tmp_path, tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../../evil",
        "/etc/cron.d/evil",
        "..\\evil",
        "C:\\evil",
        "executed/00_site.ipynb",
        "findings.json",
        "manifest.json/",
        "./manifest.json",
        "MANIFEST.JSON",
        "é" * 5_000,
        "\x1b[2J",
        "observations.jsonl ",
        "x.pickle",
    ],
)
def test_a_name_that_no_run_has_is_refused(sound: Path, tmp_path: Path, name: str) -> None:
    files = unpacked(sound) | {name: b"evil"}
    error = refused(zipped(tmp_path / "a.zip", signed(files)), tmp_path, "is no file of a run|is in it twice")
    assert "\x1b" not in str(error)
    assert not (tmp_path.parent / "evil").exists()


def test_a_name_that_only_looks_like_one_of_ours_is_refused(sound: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", unpacked(sound) | {"residue.jsonl#.py": b"evil"})
    path.write_bytes(path.read_bytes().replace(b"residue.jsonl#", b"residue.jsonl\0"))
    refused(path, tmp_path, "is no file of a run")


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK]
)
def test_what_is_no_plain_file_is_refused(sound: Path, tmp_path: Path, kind: int) -> None:
    files = unpacked(sound) | {"residue.jsonl": b"/etc/passwd"}
    path = zipped(tmp_path / "a.zip", signed(files), attributes=kind | 0o777)
    refused(path, tmp_path, "is no plain file")


def test_a_member_that_is_there_twice_is_refused(sound: Path, tmp_path: Path) -> None:
    files = unpacked(sound)
    path = zipped(tmp_path / "a.zip", files)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("manifest.json", b"{}")
    refused(path, tmp_path, "'manifest.json' is in it twice")


def test_a_bomb_is_refused_before_it_grows(sound: Path, tmp_path: Path) -> None:
    files = unpacked(sound) | {"outputs.jsonl": b"\n" * 50_000_000}
    refused(zipped(tmp_path / "a.zip", signed(files)), tmp_path, "would grow 400fold")


def test_a_bomb_that_lies_about_its_size_is_read_no_further_than_it_says(sound: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", unpacked(sound) | {"outputs.jsonl": b"\n" * 5_000_000})
    data = bytearray(path.read_bytes())
    size = (5_000_000).to_bytes(4, "little")
    assert data.count(size) >= 1
    path.write_bytes(bytes(data).replace(size, (5_000).to_bytes(4, "little")))
    refused(path, tmp_path, "damaged|not what the header says|longer than it may be")


def test_a_header_without_end_is_read_no_further_than_one_may_be(sound: Path, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(2**20 + 1)  # noqa: S311 - anything that does not shrink
    refused(zipped(tmp_path / "a.zip", unpacked(sound) | {"archive.json": noise}), tmp_path, "longer than")


def test_what_would_grow_beyond_all_runs_is_refused(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_MOST_UNPACKED", 100)
    refused(sound, tmp_path, "grow beyond 100 bytes")
    monkeypatch.setattr(container, "_MOST_PACKED", 100)
    refused(sound, tmp_path, "larger than 100 bytes")


@pytest.mark.parametrize(
    ("member", "spoil", "match"),
    [
        ("archive.json", lambda _: b"[]", "no format"),
        ("archive.json", lambda _: b"[" * 20_000, "cut off or damaged"),
        ("archive.json", lambda _: b"\xff", "cut off or damaged"),
        ("archive.json", lambda head: head.replace(b'"local"', b'"../x"'), "its header, site"),
        ("archive.json", lambda head: head.replace(b'"local"', b'"reference"'), "name different runs"),
        ("archive.json", lambda head: head.replace(b"20260101T", b"../../T"), "its header, run"),
        ("archive.json", lambda head: head.replace(b'"site"', b'"more": 1, "site"'), "its header, more"),
    ],
)
def test_a_header_that_is_odd_is_refused(
    sound: Path, tmp_path: Path, member: str, spoil: Callable[[bytes], bytes], match: str
) -> None:
    files = unpacked(sound)
    files[member] = spoil(files[member])
    refused(zipped(tmp_path / "a.zip", files), tmp_path, match)


def line(**changes: Any) -> bytes:  # noqa: ANN401 - as JSON is
    shared = {
        "probe": "cold_start",
        "probe_version": 1,
        "runtime": "host",
        "block": 9,
        "order": 0,
        "name": "start",
        "value": 1.0,
        "unit": "s",
        "repetition": 0,
        "warm_up": False,
        "evidence": [],
        "image_digest": "",
        "observed_at": "",
    }
    return (
        json.dumps({"turn": "x", "took_s": 0, "shared": shared | changes, "observations": [{}]}).encode()
        + b"\n"
    )


@pytest.mark.parametrize(
    ("name", "more", "match"),
    [
        ("observations.jsonl", line(runtime="fake-docker"), "runtime of the tests"),
        ("observations.jsonl", line(value=float("inf")), "no number"),
        ("observations.jsonl", line().replace(b"1.0", b"1e999"), "no number"),
        ("observations.jsonl", line(evidence=["ab" * 32]), "lacks the evidence"),
        ("observations.jsonl", line(more=1), "what is not known"),
        ("observations.jsonl", line() + line(), "a turn is in it twice"),
        ("observations.jsonl", line(), "counts other turns"),
        ("observations.jsonl", b"[" * 100_000 + b"\n", "observations.jsonl|not sound"),
        ("observations.jsonl", b"no newline", "cut off or damaged"),
        ("evidence.jsonl", b'{"id": "x"}\n', "evidence.jsonl:7"),
        ("outputs.jsonl", b'{"sha256": "x", "text": "y"}\n', "not what its digest"),
        ("outputs.jsonl", b'{"sha256": "x", "base64": 5}\n', "holds no output"),
        ("residue.jsonl", b"{\n", "residue.jsonl:2"),
    ],
)
def test_a_liar_who_signs_again_must_still_write_a_run(
    sound: Path, tmp_path: Path, name: str, more: bytes, match: str
) -> None:
    files = unpacked(sound)
    files[name] += more
    if match != "counts other turns" and name == "observations.jsonl":
        sentinel = json.loads(files["complete.json"])
        sentinel["turns"] += more.count(b"\n")
        files["complete.json"] = json.dumps(sentinel).encode()
    refused(zipped(tmp_path / "a.zip", signed(files)), tmp_path, match)


@pytest.mark.parametrize(
    ("missing", "match"),
    [("manifest.json", "manifest.json is missing"), ("archive.json", "it has no archive.json")],
)
def test_what_lacks_a_file_is_refused(sound: Path, tmp_path: Path, missing: str, match: str) -> None:
    files = unpacked(sound)
    if missing != "archive.json":
        del files[missing]
        files = signed(files)
    else:
        del files[missing]
    refused(zipped(tmp_path / "a.zip", files), tmp_path, match)


def test_a_sentinel_that_leaves_a_file_out_is_refused(sound: Path, tmp_path: Path) -> None:
    files = unpacked(sound)
    sentinel = json.loads(files["complete.json"])
    del sentinel["sha256"]["outputs.jsonl"]
    files["complete.json"] = json.dumps(sentinel).encode()
    header = json.loads(files["archive.json"])
    header["files"]["complete.json"] = {
        "sha256": hashlib.sha256(files["complete.json"]).hexdigest(),
        "size_bytes": len(files["complete.json"]),
    }
    files["archive.json"] = json.dumps(header).encode()
    refused(zipped(tmp_path / "a.zip", files), tmp_path, "was added after|does not name all")


def test_a_folder_that_refuses_a_run_is_not_said_to_hold_one(
    two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fake of rename(2): the site's folder belongs to somebody else."""
    rename, results = Path.rename, tmp_path / "results"

    def refusing(self: Path, target: Path) -> Path:
        if target == results / RUN:
            raise PermissionError(errno.EACCES, "Permission denied", str(self), None, str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(PermissionError):
        add(two, results)
    assert here(results) == []


def test_results_that_cannot_be_written_to_are_named(sound: Path) -> None:
    """In this folder nobody can make a file, root neither."""
    with pytest.raises(EvaluationError, match="cannot be written to") as caught:
        add(sound, Path("/sys/kernel"))
    assert caught.value.where == "/sys/kernel"


def test_results_that_cannot_be_written_leave_nothing(sound: Path, tmp_path: Path) -> None:
    target = tmp_path / "results" / RUN
    target.parent.mkdir(parents=True)
    target.symlink_to("/etc")
    with pytest.raises(EvaluationError, match="here already"):
        add(sound, tmp_path / "results")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["local"]


def test_a_site_that_nobody_has_described_is_named_with_what_to_do(sound: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="the site local, which is not described here") as caught:
        add(sound, tmp_path / "results", sites=("elsewhere",))
    assert "evaluation site new local" in caught.value.advice
    assert add(sound, tmp_path / "results", sites=("local",)).run.complete
