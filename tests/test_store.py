"""Results on disk: what is kept comes back, what is damaged is said, what a crash tears is set aside."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_run import evidence, manifest, observation

from evaluation.errors import EvaluationError
from evaluation.files import LARGEST, append_lines, write_atomically
from evaluation.model import Evidence, Role
from evaluation.store import FORMAT, Run, Turn, find_runs

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, manifest())


def turn(block: int = 0) -> Turn:
    return Turn(probe="cold_start", runtime="host", block=block)


def filled(run: Run, blocks: int = 3) -> Run:
    for block in range(blocks):
        out = f"block {block}".encode()
        item = evidence(out)
        run.append(turn(block), [observation(block, evidence=(item.id,))], [(item, out, b"")])
    return run


# -- what is kept comes back -------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_written(run: Run) -> None:
    binary, text = b"\x00\xff\n", 'two\nlines, "quoted", ä\u2028\x1b[0m'.encode()
    item = evidence(binary, text, argv=("echo", "a b", "ä"))
    observations = [
        observation(7, value=value, name=name, unit=unit, warm_up=True, repetition=3, evidence=(item.id,))
        for name, value, unit in (("a", 0.1, "s"), ("b", "word", ""), ("c", True, ""), ("d", None, ""))
    ]
    run.append(turn(7), observations, [(item, binary, text)], took_s=1.5)
    again = Run(run.path)
    assert again.manifest == manifest()
    assert again.observations() == tuple(observations)
    assert [type(found.value) for found in again.observations()] == [float, str, bool, type(None)]
    assert again.evidence() == {item.id: item}
    assert again.outputs()[item.stdout] == binary
    assert again.outputs()[item.stderr] == text
    assert again.turns_done() == {"cold_start/host/7"}
    assert again.spent_s({"cold_start"}) == 1.5
    assert again.spent_s({"cpu_rate"}) == 0.0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    values=st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans())),
    outputs=st.lists(st.binary(max_size=64), max_size=4),
    argv=st.lists(st.text(), min_size=1),
)
def test_whatever_is_written_is_read_back(
    run: Run, values: list[float | str | bool], outputs: list[bytes], argv: list[str]
) -> None:
    before, number = Run(run.path).observations(), len(run.turns_done())
    observations = tuple(observation(number, value=value) for value in values)
    items = [(evidence(data, argv=tuple(argv)), data, b"") for data in outputs]
    run.append(turn(number), observations, items)
    again = Run(run.path)
    assert again.observations() == before + observations
    assert all(again.evidence()[item.id] == item for item, _, _ in items)
    assert all(again.outputs()[item.stdout] == data for item, data, _ in items)


def test_a_turn_without_an_observation_counts_too(run: Run) -> None:
    run.append(turn(), [], [])
    assert run.turns_done() == {turn().key}
    assert run.observations() == ()


def test_the_same_output_is_kept_once_even_after_an_interruption(run: Run) -> None:
    item = evidence(b"the same", b"the same")
    for reopened in (run, run, Run(run.path)):
        reopened.append(turn(), [], [(item, b"the same", b"the same")])
    assert len((run.path / "outputs.jsonl").read_text().splitlines()) == 1


def test_text_that_is_no_unicode_does_not_make_a_run_unreadable(run: Run) -> None:
    odd = os.fsdecode(b"\xff")
    item = evidence(argv=("cat", odd))
    run.append(turn(), [observation(value=odd)], [(item, b"", b"")])
    assert run.observations()[0].value == "?"
    assert next(iter(run.evidence().values())).argv == ("cat", "?")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(run: Run, number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.append(turn(), [observation(value=number)], [])
    assert run.turns_done() == frozenset()


def test_runs_are_found_oldest_first(tmp_path: Path) -> None:
    for name in ("20260102T000000Z-b", "20260101T000000Z-a"):
        Run.create(tmp_path, manifest(name))
    Run.create(tmp_path, manifest("20250101T000000Z-c", site="slac"))
    (tmp_path / "local" / "no-run-at-all").mkdir()
    found = [run.path.name for run in find_runs(tmp_path)]
    assert found == ["20260101T000000Z-a", "20260102T000000Z-b", "20250101T000000Z-c"]
    assert [run.path.name for run in find_runs(tmp_path, "slac")] == found[2:]
    assert find_runs(tmp_path / "nowhere") == ()


def test_a_run_is_made_once(run: Run) -> None:
    with pytest.raises(EvaluationError, match="exists already"):
        Run.create(run.path.parents[1], manifest())


# -- nothing is changed afterwards -------------------------------------------------------------------


def test_nothing_is_added_to_a_complete_run(run: Run) -> None:
    filled(run).finish("2026-01-01")
    assert (run.complete, run.finished_at) == (True, "2026-01-01")
    for change in (run.reopen, lambda: run.append(turn(9), [], []), lambda: run.finish("later")):
        with pytest.raises(EvaluationError, match="the run is complete"):
            change()
    run.verify()


@pytest.mark.parametrize("name", ["manifest.json", "observations.jsonl", "evidence.jsonl", "outputs.jsonl"])
@pytest.mark.parametrize("change", ["cut", "changed", "removed"])
def test_a_changed_file_of_a_complete_run_is_named(run: Run, name: str, change: str) -> None:
    filled(run).finish("2026-01-01")
    path = run.path / name
    data = path.read_bytes()
    if change == "cut":
        path.write_bytes(data[:-10])
    elif change == "changed":
        path.write_bytes(data.replace(b"0", b"1", 1))
    else:
        path.unlink()
    with pytest.raises(EvaluationError) as told:
        run.verify()
    assert told.value.where == str(path)
    assert ("is missing" if change == "removed" else "cut or changed") in told.value.what
    assert "measure again" in told.value.advice


def test_a_file_added_to_a_complete_run_is_named(run: Run) -> None:
    run.finish("2026-01-01")
    append_lines(run.path / "outputs.jsonl", [{"sha256": "made up", "text": "made up"}])
    with pytest.raises(EvaluationError, match=r"outputs\.jsonl: was added"):
        run.verify()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 1}', '{"sha256": {}}'])
def test_a_damaged_sentinel_vouches_for_nothing(run: Run, text: str) -> None:
    filled(run).finish("2026-01-01")
    (run.path / "complete.json").write_text(text)
    with pytest.raises(EvaluationError, match=r"complete\.json: is (damaged|cut off)"):
        run.verify()


def test_two_measurements_do_not_add_to_one_run(run: Run) -> None:
    with run.held():
        with (
            pytest.raises(EvaluationError, match="another measurement adds to this run"),
            Run(run.path).held(),
        ):
            pass
        filled(run)
    with Run(run.path).held():
        assert len(run.turns_done()) == 3


@pytest.mark.parametrize("packed", [True, False])
def test_naming_a_complete_run_for_measuring_changes_nothing_of_it(run: Run, *, packed: bool) -> None:
    filled(run).finish("2026-01-01")
    if packed:
        run.pack()
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    with pytest.raises(EvaluationError, match="the run is complete"), Run(run.path).held():
        pytest.fail("it was opened")
    (run.path / "complete.json").rename(run.path.parent / "aside.json")  # as of a damaged copy
    if packed:
        with pytest.raises(EvaluationError, match=r"complete\.json is missing"), Run(run.path).held():
            pytest.fail("it was opened")
    (run.path.parent / "aside.json").rename(run.path / "complete.json")
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    Run(run.path).verify()


# -- packed ------------------------------------------------------------------------------------------


@pytest.fixture
def packed(run: Run) -> Run:
    filled(run).note_residue("2026-01-01", ["a mount"])
    run.finish("2026-01-01")
    run.pack()
    return Run(run.path)


def test_a_packed_run_is_the_same_run(run: Run) -> None:
    filled(run).note_residue("2026-01-01", ["a mount"])
    run.finish("2026-01-01")
    loose = (run.manifest, run.observations(), run.evidence(), run.outputs(), run.residue(), run.turns_done())
    sentinel = (run.path / "complete.json").read_bytes()
    run.pack()
    assert not list(run.path.glob("*.jsonl"))
    again = Run(run.path)
    again.verify()
    assert loose == (
        again.manifest, again.observations(), again.evidence(), again.outputs(), again.residue(),
        again.turns_done(),
    )  # fmt: skip
    assert (run.path / "complete.json").read_bytes() == sentinel
    again.pack()  # nothing is left to do


def test_the_same_lines_are_packed_to_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for number, folder in enumerate(("a", "b")):
        run = filled(Run.create(tmp_path / folder, manifest()))
        run.finish("2026-01-01")
        os.utime(run.path / "evidence.jsonl", (number, number))
        run.pack()
        found.append([path.read_bytes() for path in sorted(run.path.glob("*.gz"))])
    assert found[0] == found[1]
    assert gzip.decompress(found[0][0]).startswith(b"{")  # any tool unpacks it


def test_only_a_complete_run_is_packed(run: Run) -> None:
    with pytest.raises(EvaluationError, match="not complete"):
        filled(run).pack()
    assert not list(run.path.glob("*.gz"))


def test_a_damaged_run_is_not_packed(run: Run) -> None:
    filled(run).finish("2026-01-01")
    (run.path / "outputs.jsonl").write_text("{}\n")
    with pytest.raises(EvaluationError, match="cut or changed"):
        run.pack()
    assert not list(run.path.glob("*.gz"))


def test_packing_that_was_interrupted_leaves_a_run_that_can_be_packed(packed: Run) -> None:
    path = packed.path / "evidence.jsonl"
    path.write_bytes(gzip.decompress((packed.path / "evidence.jsonl.gz").read_bytes()))
    packed.verify()
    assert len(packed.evidence()) == 3
    packed.pack()
    assert not path.exists()


def repacked(data: bytes, change: str) -> bytes:
    return {
        "cut": data[:-9],
        "longer": data + b"more",
        "twice": data + data,
        "no gzip": b"no gzip",
        "other lines": gzip.compress(gzip.decompress(data).replace(b"block", b"shock")),
    }[change]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("cut", "cut off"),
        ("longer", "longer than it says"),
        ("twice", "longer than it says"),
        ("no gzip", "cannot be unpacked"),
        ("other lines", "cut or changed"),
    ],
)
def test_a_changed_packed_file_is_named(packed: Run, change: str, said: str) -> None:
    path = packed.path / "outputs.jsonl.gz"
    path.write_bytes(repacked(path.read_bytes(), change))
    with pytest.raises(EvaluationError, match=said) as told:
        packed.verify()
    assert told.value.where == str(path)


def test_what_unpacks_to_any_size_is_refused(packed: Run) -> None:
    path = packed.path / "outputs.jsonl.gz"
    path.write_bytes(gzip.compress(bytes(LARGEST + 1), 1))
    assert path.stat().st_size < LARGEST / 100
    for reading in (packed.verify, packed.outputs):
        with pytest.raises(EvaluationError, match="unpack to more than"):
            reading()


def test_a_packed_file_without_a_sentinel_is_not_gone_on_with(packed: Run) -> None:
    (packed.path / "complete.json").unlink()
    with pytest.raises(EvaluationError, match=r"complete\.json is missing"):
        packed.reopen()


def test_a_packed_file_that_nobody_vouched_for_is_named(run: Run) -> None:
    run.finish("2026-01-01")
    (run.path / "outputs.jsonl.gz").write_bytes(gzip.compress(b"{}\n"))
    with pytest.raises(EvaluationError, match=r"outputs\.jsonl\.gz: was added"):
        run.verify()


# -- damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["observations.jsonl", "evidence.jsonl", "outputs.jsonl"])
def test_a_torn_end_of_an_interrupted_run_does_not_count(run: Run, name: str) -> None:
    path = filled(run).path / name
    whole = path.read_bytes()
    torn = whole[: whole.index(b"\n") - 7]
    path.write_bytes(whole + torn)
    again = Run(run.path)
    assert len(again.turns_done()) == len(again.evidence()) == len(again.observations()) == 3
    again.reopen()
    assert path.read_bytes() == whole
    assert path.with_name(f"{name}.torn").read_bytes() == torn + b"\n"
    filled(again, 4)
    assert len(again.observations()) == 7


def test_a_line_without_its_newline_does_not_count_even_if_it_could_be_read(run: Run) -> None:
    path = filled(run).path / "observations.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert len(run.turns_done()) == 2
    run.reopen()
    assert len(run.turns_done()) == 2  # as before: what is read is what is gone on with


@pytest.mark.parametrize("damage", ["{", "", "[]", "null", '{"turn": "a/b/0"}\x00'])
def test_damage_in_the_middle_is_named_by_its_line(run: Run, damage: str) -> None:
    path = filled(run).path / "observations.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], damage, *lines[1:]]) + "\n")
    for reading in (run.turns_done, run.observations):
        with pytest.raises(EvaluationError, match=r"observations\.jsonl:2: is cut off or damaged"):
            reading()


def test_a_cut_file_of_a_complete_run_is_damage_and_no_interruption(run: Run) -> None:
    filled(run).finish("2026-01-01")
    path = run.path / "observations.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(EvaluationError, match=r"observations\.jsonl:3: is cut off or damaged"):
        run.observations()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"turn": "a/b/0"}', "holds no observations"),
        ('{"turn": "a/b/0", "observations": [1]}', "holds no observations"),
        ('{"turn": "a/b/0", "shared": {}, "observations": [{"name": "x"}]}', "probe: "),
        ('{"turn": "a/b/0", "shared": {}, "observations": [{"nmae": "x"}]}', "holds what is not known: nmae"),
    ],
)
def test_a_line_that_is_no_turn_is_named(run: Run, line: str, message: str) -> None:
    (run.path / "observations.jsonl").write_text(line + "\n")
    with pytest.raises(EvaluationError, match=rf"observations\.jsonl:1: {message}"):
        run.observations()


def test_unknown_evidence_is_named(run: Run) -> None:
    path = filled(run).path / "evidence.jsonl"
    row = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps(row | {"extra": 1}) + "\n")
    with pytest.raises(EvaluationError, match=r"evidence\.jsonl:1: holds what is not known: extra"):
        run.evidence()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"sha256": "0" * 64, "text": "changed"}, "is not what its digest 0+ says"),
        ({"sha256": "0" * 64}, "holds no output"),
        ({"text": "nameless"}, "holds no output"),
        ({"sha256": "0" * 64, "base64": "?"}, "holds no output|is not what"),
        ({"sha256": "0" * 64, "text": 5}, "holds no output"),
    ],
)
def test_an_output_is_what_its_digest_says(run: Run, line: dict[str, object], message: str) -> None:
    append_lines(run.path / "outputs.jsonl", [line])
    with pytest.raises(EvaluationError, match=rf"outputs\.jsonl:1: .*({message})"):
        run.outputs()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": FORMAT + 1}, "is newer than this tool's"),
        ({"format": 0}, "no format that this tool knows: 0"),
        ({"format": "1"}, "no format that this tool knows: '1'"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"seed": "1"}, "seed: Input should be a valid integer"),
        ({"host": None}, "host: "),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(
    run: Run, change: dict[str, object], message: str
) -> None:
    path = run.path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EvaluationError, match=message) as told:
        _ = run.manifest
    assert told.value.where == str(path)


@pytest.mark.parametrize("version", [1, 2])
def test_before_there_were_roles_all_but_the_host_were_alternatives(run: Run, version: int) -> None:
    path = run.path / "manifest.json"
    written = json.loads(path.read_text()) | {"format": version}
    for facts in written["runtimes"]:
        del facts["role"], facts["timed"]
    path.write_text(json.dumps(written))
    assert [(facts.id, facts.role, facts.timed) for facts in run.manifest.runtimes] == [
        ("host", Role.BASELINE, True),
        ("shifter", Role.ALTERNATIVE, True),
    ]


@pytest.mark.parametrize("role", Role)
def test_a_role_is_read_as_it_was_written(tmp_path: Path, role: Role) -> None:
    first, *_ = manifest().runtimes
    facts = first.model_copy(update={"id": "made-up", "role": role, "timed": False})
    run = Run.create(tmp_path, manifest().model_copy(update={"runtimes": (facts,)}))
    assert run.manifest.runtimes == (facts,)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_a_damaged_manifest_is_named(run: Run, text: str) -> None:
    (run.path / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(EvaluationError, match=r"manifest\.json: is (cut off or )?damaged"):
        _ = run.manifest


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"manifest\.json: cannot be read: No such file"):
        _ = Run(tmp_path).manifest


@pytest.mark.parametrize("name", ['quote"', "new\nline", "slash/slash", "../../up", "ünïcode", "\u2028"])
def test_a_hostile_name_stays_inside_its_line(run: Run, name: str) -> None:
    run.append(Turn(probe=name, runtime=name, block=0), [observation(runtime=name, name=name)], [])
    run.append(turn(), [observation()], [])
    assert run.turns_done() == {f"{name}/{name}/0", turn().key}
    assert run.observations()[0].runtime == name
    assert {path.name for path in run.path.iterdir()} == {"manifest.json", "observations.jsonl"}


# -- crashes -----------------------------------------------------------------------------------------


def test_an_interrupted_append_leaves_no_half_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(run)
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    real = os.write

    def half(stream: int, data: bytes) -> int:
        real(stream, data[: len(data) // 2])
        raise KeyboardInterrupt

    item = evidence(b"new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(KeyboardInterrupt):
            run.append(turn(3), [observation(3)], [(item, b"new", b"")])
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before
    run.append(turn(3), [observation(3)], [(item, b"new", b"")])  # the same session goes on by hand
    assert run.outputs()[item.stdout] == b"new"
    assert len(run.turns_done()) == 4


def test_short_writes_are_gone_on_with(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda stream, data: real(stream, data[:5]))
    filled(run)
    assert len(Run(run.path).observations()) == 3


_WRITER = """
import sys, itertools
from pathlib import Path
from made_up_run import evidence, observation
from evaluation.store import Run, Turn
run = Run(Path(sys.argv[1]))
run.reopen()
for block in itertools.count(len(run.turns_done())):
    data = f"{block} ".encode() * 20000
    item = evidence(data)
    run.append(Turn(probe="cold_start", runtime="host", block=block),
               [observation(block, evidence=(item.id,))] * 50, [(item, data, b"")])
    print(block, flush=True)
"""


def test_killed_again_and_again_nothing_is_lost_and_nothing_is_torn(run: Run) -> None:
    told = -1
    for number in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(run.path)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        ) as writer:  # fmt: skip
            assert writer.stdout
            for _ in range(3):
                told = int(writer.stdout.readline())
            time.sleep(0.003 * number)  # at another moment each time
            writer.send_signal(signal.SIGKILL)
            told = max([told, *map(int, writer.stdout.read().split())])
        again = Run(run.path)
        done = again.turns_done()
        assert {f"cold_start/host/{block}" for block in range(told + 1)} <= done
        assert len(done) <= told + 2  # the last one may have been kept without having been told
        kept, outputs = again.evidence(), again.outputs()
        for item in again.observations():
            assert outputs[kept[item.evidence[0]].stdout].startswith(f"{item.block} ".encode())
        assert len(again.observations()) == 50 * len(done)
    run.reopen()
    run.finish("2026-01-01")
    run.verify()


def test_a_manifest_is_replaced_whole_or_not_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (run.path / "manifest.json").read_bytes()

    def full(stream: int) -> None:
        raise OSError(28, os.strerror(28), stream)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run.write_manifest(manifest("another"))
    assert (run.path / "manifest.json").read_bytes() == before


def test_text_and_binary_outputs_are_told_apart(run: Run) -> None:
    for data in (string.printable.encode(), b"\xc3", b"\xed\xa0\x80"):
        item: Evidence = evidence(data)
        run.append(turn(), [], [(item, data, b"")])
        assert run.outputs()[item.stdout] == data


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        write_atomically(tmp_path / "folder", "text")
    assert caught.value.filename == str(tmp_path / "folder")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught_full:
        write_atomically(tmp_path / "answer", "text")
    assert caught_full.value.filename == str(tmp_path / "answer")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
