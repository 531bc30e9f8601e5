"""Five thousand spoilt archives: each is refused with a message, or adds exactly what was packed.

The mutations are drawn from a fixed seed. Half of them spoil bytes; the other half know the format, and sign
what they changed, so that the checks behind the digests are reached too.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from travelling import packed

from evaluation.archive.container import FILES
from evaluation.archive.importing import add
from evaluation.errors import EvaluationError

MUTATIONS: Final = 5_000
RUN = "local/20260101T000000Z-made-up"
Files = dict[str, bytes]
ODD: Final[tuple[object, ...]] = (
    None,
    True,
    -1,
    2**70,
    1e308,
    float("inf"),
    "",
    "x" * 5_000,
    "../../../evil",
    "/etc/evil",
    "\0",
    "\ud800",
    "{{7*7}}",
    "<script>alert(1)</script>",
    [],
    {},
    [[[[]]]],
    {"__reduce__": ["os.system", "id"]},
)
NAMES: Final = (
    "../evil",
    "../../../../evil",
    "/evil",
    "a/../../evil",
    "..\\..\\evil",
    "C:\\evil",
    "\\\\host\\share\\evil",
    "//evil",
    "./manifest.json",
    "manifest.json/",
    "executed/00_site.ipynb",
    "findings.json",
    "evil.pickle",
    ".import-x/new/run/manifest.json",
    "x" * 60_000,
    "a/" * 20_000,
    "\u202egpj.json",
    "%2e%2e%2fevil",
    "con",
    "",
)


class Fuzzer:
    """Draws mutations of one archive."""

    def __init__(self, sound: bytes, files: Files, foreign: bytes, seed: int) -> None:
        self.sound, self.files, self.foreign = sound, files, foreign
        self.random = random.Random(seed)  # noqa: S311 - the same each time, and nothing secret
        self.kinds: tuple[Callable[[], bytes], ...] = (
            self.flipped,
            self.truncated,
            self.spliced,
            self.overwritten,
            self.grown,
            self.fields,
            self.renamed,
            self.linked,
            self.bomb,
            self.doubled,
            self.swapped,
            self.values,
            self.lines,
        )

    def flipped(self) -> bytes:
        data = bytearray(self.sound)
        for _ in range(self.random.choice((1, 1, 2, 8, 64))):
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)

    def truncated(self) -> bytes:
        cut = self.random.randrange(len(self.sound))
        return self.sound[:cut] if self.random.random() < 0.7 else self.sound[cut:]

    def spliced(self) -> bytes:
        here, there = self.random.randrange(len(self.sound)), self.random.randrange(len(self.foreign))
        return self.sound[:here] + self.foreign[there:]

    def overwritten(self) -> bytes:
        start, length = self.random.randrange(len(self.sound)), self.random.choice((1, 4, 16, 256))
        return self.sound[:start] + self.random.randbytes(length) + self.sound[start + length :]

    def grown(self) -> bytes:
        start = self.random.randrange(len(self.sound))
        return (
            self.sound[:start]
            + self.random.randbytes(self.random.choice((1, 40, 4_000)))
            + self.sound[start:]
        )

    def fields(self) -> bytes:
        """Spoil a field of the zip's own records: sizes, offsets, counts, methods, flags."""
        data = bytearray(self.sound)
        mark = self.random.choice((b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"))
        places = [at for at in range(len(data) - 46) if data[at : at + 4] == mark] or [0]
        at = self.random.choice(places) + self.random.randrange(4, 40)
        value = self.random.choice((0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, self.random.getrandbits(32)))
        data[at : at + 4] = struct.pack("<I", value)
        return bytes(data)

    def renamed(self) -> bytes:
        return self.zipped([*self.files.items(), (self.random.choice(NAMES) or "?", b"evil")])

    def linked(self) -> bytes:
        kind = self.random.choice((stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFDIR))
        odd = self.random.choice((*FILES, "link"))
        files = self.signed(self.files | {odd: b"/etc/passwd"})
        return self.zipped(list(files.items()), {odd: kind | 0o777})

    def bomb(self) -> bytes:
        name = self.random.choice(FILES)
        files = self.signed(self.files | {name: self.random.choice((b"\n", b"\0", b"[")) * 3_000_000})
        data = self.zipped(list(files.items()))
        if self.random.random() < 0.5:  # and say that it is small
            data = data.replace(
                struct.pack("<I", 3_000_000), struct.pack("<I", self.random.randrange(1, 9_000))
            )
        return data

    def doubled(self) -> bytes:
        name = self.random.choice((*FILES, "archive.json"))
        other = self.files[name] if self.random.random() < 0.5 else b"{}"
        members = [*self.files.items(), (name, other)]
        self.random.shuffle(members)
        return self.zipped(members)

    def swapped(self) -> bytes:
        one, other = self.random.sample(FILES, 2)
        files = self.files | {one: self.files[other], other: self.files[one]}
        return self.zipped(list((self.signed(files) if self.random.random() < 0.5 else files).items()))

    def values(self) -> bytes:
        """Put something odd somewhere into a document, and sign it."""
        name = self.random.choice((*FILES, "archive.json"))
        lines = self.files[name].splitlines() if name.endswith(".jsonl") else [self.files[name]]
        at = self.random.randrange(len(lines))
        lines[at] = json.dumps(self.spoilt(json.loads(lines[at]))).encode()
        files = self.files | {name: b"\n".join(lines) + b"\n"}
        return self.zipped(list((files if name == "archive.json" else self.signed(files)).items()))

    def lines(self) -> bytes:
        """Drop, repeat or swap lines, and sign it."""
        name = self.random.choice([name for name in FILES if name.endswith(".jsonl")])
        lines = self.files[name].splitlines(keepends=True)
        match self.random.randrange(3):
            case 0:
                del lines[self.random.randrange(len(lines))]
            case 1:
                lines.append(self.random.choice(lines))
            case _:
                self.random.shuffle(lines)
        return self.zipped(list(self.signed(self.files | {name: b"".join(lines)}).items()))

    def spoilt(self, value: Any) -> Any:  # noqa: ANN401 - as JSON is
        if isinstance(value, dict) and value and self.random.random() < 0.85:
            key = self.random.choice(list(value))
            if self.random.random() < 0.1:
                return {**value, str(self.random.choice(ODD))[:50]: self.random.choice(ODD)}
            if self.random.random() < 0.1:
                return {name: item for name, item in value.items() if name != key}
            return {**value, key: self.spoilt(value[key])}
        if isinstance(value, list) and value and self.random.random() < 0.85:
            at = self.random.randrange(len(value))
            return [*value[:at], self.spoilt(value[at]), *value[at + 1 :]]
        return self.random.choice(ODD)

    def signed(self, files: Files) -> Files:
        files = dict(files)
        try:
            sentinel = json.loads(files["complete.json"])
            sentinel["sha256"] = {
                name: hashlib.sha256(data).hexdigest()
                for name, data in files.items()
                if name not in {"archive.json", "complete.json"}
            }
            files["complete.json"] = json.dumps(sentinel).encode()
        except (ValueError, TypeError, RecursionError):
            pass  # the sentinel itself was spoilt
        header = json.loads(files["archive.json"])
        header["files"] = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
            for name, data in files.items()
            if name != "archive.json"
        }
        return files | {"archive.json": json.dumps(header).encode()}

    def zipped(self, members: list[tuple[str, bytes]], modes: dict[str, int] | None = None) -> bytes:
        path = self.scratch
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number, (name, data) in enumerate(members):
                entry = zipfile.ZipInfo(f"{number:04d}")
                entry.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
                entry.filename = name  # past the library's own cleaning
                archive.NameToInfo.clear()
                archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 1)
        return path.read_bytes()

    scratch: Path


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Fuzzer:
    folder = tmp_path_factory.mktemp("sound")
    sound = packed(folder / "results", folder / "run.zip", blocks=1)
    foreign = packed(folder / "foreign", folder / "foreign.zip", "from elsewhere", blocks=2)
    with zipfile.ZipFile(sound) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    made = Fuzzer(sound.read_bytes(), files, foreign.read_bytes(), seed=20170606)
    made.scratch = folder / "scratch.zip"
    return made


def test_each_spoilt_archive_is_refused_or_harmless(fuzzer: Fuzzer, tmp_path: Path) -> None:
    """Never a traceback, nothing outside of the run's folder, and in it only what was packed or signed."""
    inside = tmp_path / "a" / "b" / "results"
    inside.mkdir(parents=True)
    archive = tmp_path / "spoilt.zip"
    told: Counter[str] = Counter()
    for number in range(MUTATIONS):
        kind = fuzzer.kinds[number % len(fuzzer.kinds)]
        archive.write_bytes(kind())
        said: EvaluationError | None = None
        try:
            run = add(archive, inside).run
        except EvaluationError as error:
            said = error  # anything else is a traceback, and fails here
        if said:
            assert str(said).startswith(f"{archive}: "), said
            assert "nothing was added" in str(said), said
            assert said.advice
            assert tree(inside) == {}, f"{kind.__name__} {number} left something"
            told["refused"] += 1
        else:
            assert {path.name for path in run.path.iterdir()} <= {*FILES}
            assert all(path.is_file() and not path.is_symlink() for path in run.path.iterdir())
            assert run.path.parent.parent == inside
            if kind not in {fuzzer.values, fuzzer.lines}:  # those signed what they changed
                assert {path.name: path.read_bytes() for path in run.path.iterdir()} == {
                    name: data for name, data in fuzzer.files.items() if name in FILES
                }, f"{kind.__name__} {number} changed something"
            told["harmless"] += 1
            shutil.rmtree(run.path.parent)
        assert {path.name for path in tmp_path.rglob("*")} == {"a", "b", "results", "spoilt.zip"}
    assert told["refused"] > MUTATIONS * 0.8
    assert told["harmless"]  # or nothing would have been let in whatever it was
