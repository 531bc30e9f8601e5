"""Results on disk: append-only, content-addressed, with a sentinel written last.

Format history
--------------
1
    First format. One folder per run, ``results/<site>/<run>/``:

    ``manifest.json``
        What was planned, where, with what. Rewritten only as a whole, atomically.
    ``observations.jsonl``
        One line per *turn* (one probe on one arm in one block) with all its observations, so that a
        crash loses at most the turn being taken.
    ``evidence.jsonl`` and ``outputs.jsonl``
        Every process started, and what was printed: each output once, by its SHA-256, as text or,
        where it is not UTF-8, as base64.
    ``findings.json``
        Derived from the above; rewritten by every assessment.
    ``complete.json``
        The sentinel: digests of the files above it, written last.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from evaluation.errors import EvaluationError
from evaluation.model import FAKE, Evidence, Finding, Observation

__all__ = [
    "FORMAT",
    "FormFacts",
    "HostFacts",
    "ImageFacts",
    "Manifest",
    "Run",
    "RuntimeFacts",
    "Turn",
    "find_runs",
]

FORMAT = 1

_SENTINEL = "complete.json"
_LINES = ("observations.jsonl", "evidence.jsonl", "outputs.jsonl")

# What all observations of a turn share stands once in its line.
_SHARED = ("probe", "probe_version", "runtime", "block", "order", "image_digest")


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HostFacts(_Facts):
    """The machine. Sizes in bytes."""

    system: str
    kernel: str
    architecture: str
    cpu: str
    cores: int
    memory_bytes: int
    cgroup: str
    virtualisation: str
    mitigations: str
    lsm: str


class RuntimeFacts(_Facts):
    """One runtime as it was found; ``reason`` says why an absent one is absent."""

    id: str
    family: str
    mode: str
    present: bool
    version: str = ""
    reason: str = ""
    advice: str = ""
    command: str = ""
    options: tuple[str, ...] = ()
    engine_options: tuple[str, ...] = ()
    adaptation: str = ""
    security: tuple[str, ...] = ()


class FormFacts(_Facts):
    """One form of the image: what it took to make, and the digest of its content seen from inside."""

    runtime: str
    form: str
    reference: str
    size_bytes: int | None
    convert_s: float
    digest: str
    details: tuple[str, ...] = ()
    problem: str = ""


class ImageFacts(_Facts):
    """The evaluation image. ``digest`` is over file contents and modes, the same in every form."""

    name: str
    recipe: str
    recipe_sha256: str
    digest: str
    tar_bytes: int
    build_s: float
    packages: tuple[str, ...]
    forms: tuple[FormFacts, ...]


class Manifest(_Facts):
    """What a run is: planned, where, with what."""

    format: int = FORMAT
    site: str
    run: str
    profile: str
    seed: int
    plan: str
    """SHA-256 of what must be unchanged for the run to be resumed."""
    tool_version: str
    started_at: str
    measured_as: str
    as_root: bool
    label: str = ""
    host: HostFacts
    runtimes: tuple[RuntimeFacts, ...]
    image: ImageFacts | None = None
    unavailable: dict[str, str] = {}
    """Per probe that could not be run at all, why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of one probe on one arm in one block."""

    probe: str
    runtime: str
    block: int

    @property
    def key(self) -> str:
        """``probe/runtime/block``, unique within a run."""
        return f"{self.probe}/{self.runtime}/{self.block}"


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: set[str] = set()

    # -- writing ---------------------------------------------------------------------------------

    @classmethod
    def create(cls, results: Path, manifest: Manifest) -> Run:
        """Make the folder of a new run.

        Raises
        ------
        EvaluationError
            There is one of this name already.
        """
        path = results / manifest.site / manifest.run
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise EvaluationError("a run of this name exists already", where=str(path)) from None
        run = cls(path)
        run.write_manifest(manifest)
        return run

    def write_manifest(self, manifest: Manifest) -> None:
        """Write or replace the manifest."""
        write_atomically(self.path / "manifest.json", manifest.model_dump_json(indent=2) + "\n")

    def append(
        self,
        turn: Turn,
        observations: Sequence[Observation],
        evidence: Iterable[tuple[Evidence, bytes, bytes]],
    ) -> None:
        """Keep one turn for good: the evidence first, then one line that makes it count.

        Raises
        ------
        EvaluationError
            The runtime is a fake of the unit tests: what it does is no result.
        """
        if turn.runtime.startswith(FAKE):
            raise EvaluationError("a fake's results are no results", where=turn.runtime)
        records, outputs = [], []
        for record, stdout, stderr in evidence:
            records.append(json.dumps(asdict(record)))
            for digest, data in ((record.stdout, stdout), (record.stderr, stderr)):
                if data and digest not in self._kept:
                    self._kept.add(digest)
                    outputs.append(_output_line(digest, data))
        append_lines(self.path / "outputs.jsonl", outputs)
        append_lines(self.path / "evidence.jsonl", records)
        shared = {key: getattr(observations[0], key) for key in _SHARED} if observations else {}
        own = [{k: v for k, v in asdict(item).items() if k not in _SHARED} for item in observations]
        row = {"turn": turn.key, **shared, "observations": own}
        append_lines(self.path / "observations.jsonl", [json.dumps(row)])

    def write_findings(self, findings: Sequence[Finding]) -> None:
        """Write what was derived; it can always be derived again."""
        text = json.dumps([asdict(finding) for finding in findings], indent=1)
        write_atomically(self.path / "findings.json", text + "\n")

    def finish(self, finished_at: str) -> None:
        """Write the sentinel."""
        sentinel = {
            "finished_at": finished_at,
            "turns": len(self.turns_done()),
            "sha256": {
                name: digest_of(self.path / name)
                for name in ("manifest.json", *_LINES)
                if (self.path / name).exists()
            },
        }
        write_atomically(self.path / _SENTINEL, json.dumps(sentinel, indent=2) + "\n")

    def reopen(self) -> None:
        """Make an interrupted run writable again: set aside a line that a crash left torn.

        Raises
        ------
        EvaluationError
            The run is complete: nothing may be added to it.
        """
        if self.complete:
            raise EvaluationError("the run is complete, nothing is added to it", where=str(self.path))
        for name in _LINES:
            path = self.path / name
            data = path.read_bytes() if path.exists() else b""
            whole, newline, torn = data.rpartition(b"\n")
            if torn:
                with (self.path / f"{name}.torn").open("ab") as aside:
                    aside.write(torn + b"\n")
                write_atomically(path, whole + newline)

    # -- reading ---------------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Whether the sentinel was written."""
        return (self.path / _SENTINEL).exists()

    @property
    def finished_at(self) -> str:
        """When the sentinel was written; empty for a run that never finished."""
        if not self.complete:
            return ""
        return str(self._json(self.path / _SENTINEL).get("finished_at", ""))

    @property
    def manifest(self) -> Manifest:
        """Read the manifest.

        Raises
        ------
        EvaluationError
            It is missing, damaged, or of a newer format.
        """
        path = self.path / "manifest.json"
        data = self._json(path)
        if isinstance(found := data.get("format"), int) and found > FORMAT:
            raise EvaluationError(
                f"format {found} is newer than this tool's {FORMAT}",
                where=str(path),
                advice="Update the tool, then read it again.",
            )
        try:
            return Manifest.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise EvaluationError(f"{place}: {first['msg']}", where=str(path)) from None

    def verify(self) -> None:
        """Hold every file against the sentinel.

        Raises
        ------
        EvaluationError
            A file is missing, was cut off or was changed after the run had finished.
        """
        if not self.complete:
            return
        for name, digest in self._json(self.path / _SENTINEL).get("sha256", {}).items():
            path = self.path / name
            if not path.exists() or digest_of(path) != digest:
                raise EvaluationError(
                    "is missing"
                    if not path.exists()
                    else "is not what the run's sentinel says: cut or changed",
                    where=str(path),
                    advice="Copy the run's folder anew from where it was made, or measure again.",
                )

    def turns_done(self) -> frozenset[str]:
        """Keys of the turns that count."""
        return frozenset(str(row["turn"]) for row in self._rows("observations.jsonl"))

    def observations(self) -> tuple[Observation, ...]:
        """Every raw value, in the order taken."""
        adapter = TypeAdapter(Observation)
        return tuple(
            _validated(adapter, {key: row[key] for key in _SHARED} | item, self.path / "observations.jsonl")
            for row in self._rows("observations.jsonl")
            for item in row["observations"]
        )

    def evidence(self) -> dict[str, Evidence]:
        """Every process started, by id."""
        adapter = TypeAdapter(Evidence)
        path = self.path / "evidence.jsonl"
        records = (_validated(adapter, row, path) for row in self._rows("evidence.jsonl"))
        return {record.id: record for record in records}

    def outputs(self) -> dict[str, bytes]:
        """Everything that was printed, by SHA-256.

        Raises
        ------
        EvaluationError
            An output is not what its digest says.
        """
        path = self.path / "outputs.jsonl"
        found = {hashlib.sha256(b"").hexdigest(): b""}
        for row in self._rows("outputs.jsonl"):
            data = row["text"].encode() if "text" in row else base64.b64decode(row["base64"])
            if hashlib.sha256(data).hexdigest() != row["sha256"]:
                raise EvaluationError(
                    f"an output is not what its digest {row['sha256']} says", where=str(path)
                )
            found[row["sha256"]] = data
        return found

    def blob(self, digest: str) -> bytes:
        """Read what a process printed.

        Raises
        ------
        EvaluationError
            Nothing of this digest is kept here.
        """
        try:
            return self.outputs()[digest]
        except KeyError:
            raise EvaluationError(f"no output {digest} is kept here", where=str(self.path)) from None

    def findings(self) -> tuple[Finding, ...]:
        """Read the findings of the last assessment; none when there was none."""
        path = self.path / "findings.json"
        if not path.exists():
            return ()
        adapter = TypeAdapter(tuple[Finding, ...])
        return tuple(_validated(adapter, self._json(path), path))

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Read JSON lines. A torn last line is what a crash leaves: it does not count."""
        path = self.path / name
        if not path.exists():
            return
        for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            if not line:
                continue
            try:
                row = json.loads(line)
            except ValueError:
                if not self.complete and path.read_bytes().endswith(line):
                    return
                raise EvaluationError(
                    "is cut off or damaged",
                    where=f"{path}:{number}",
                    advice="The lines before it are whole. Copy the file anew, or measure again.",
                ) from None
            yield row

    def _json(self, path: Path) -> Any:  # noqa: ANN401 - validated by whoever asked
        try:
            return json.loads(path.read_bytes())
        except OSError as error:
            raise EvaluationError(f"cannot be read: {error.strerror}", where=str(path)) from None
        except ValueError as error:
            raise EvaluationError(
                f"is cut off or damaged: {error}",
                where=str(path),
                advice="Copy the run's folder anew from where it was made, or measure again.",
            ) from None


def find_runs(results: Path, site: str = "") -> tuple[Run, ...]:
    """Every run below ``results``, oldest first within a site."""
    pattern = f"{site or '*'}/*/manifest.json"
    return tuple(Run(path.parent) for path in sorted(results.glob(pattern)))


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, and have it on disk before going on."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def append_lines(path: Path, lines: Sequence[str]) -> None:
    """Append whole lines and have them on disk before going on."""
    if not lines:
        return
    with path.open("ab") as stream:
        stream.write(("\n".join(lines) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _output_line(digest: str, data: bytes) -> str:
    try:
        return json.dumps({"sha256": digest, "text": data.decode()})
    except UnicodeDecodeError:
        return json.dumps({"sha256": digest, "base64": base64.b64encode(data).decode("ascii")})


def _validated(adapter: TypeAdapter[Any], data: object, path: Path) -> Any:  # noqa: ANN401 - as the adapter says
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EvaluationError(f"{place}: {first['msg']}", where=str(path)) from None
