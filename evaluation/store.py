"""Results on disk: append-only, content-addressed, with a sentinel written last.

Format history
--------------
3
    Each runtime of the manifest has a ``role``, and ``timed`` says whether it was asked everything. In
    earlier formats all were, and all but the bare host were alternatives. A form says by whom it was made
    (``made_by``) where a mode runs that of another runtime.
    It says of one that runs as no centre would in what way (``impairment``), where that was looked at; and
    what was seen of a container while it ran (``seen``).
    The manifest names the programs that the runtimes consist of (``programs``). Earlier runs have none.
    It says how the host was found before anything was measured (``checks``), where that was looked at.
    It names the batch system and the jobs that it was measured in (``batch``), where it was, and the images
    that it was to have (``wanted``), built or not.
    In a complete run the files of lines may be packed (``observations.jsonl.gz``), whatever its format: the
    sentinel stays as it is, and its digests are those of what is packed. What was written before this was
    possible is read as ever; a tool of that time says of a packed run that its files are missing.
2
    The manifest names several images (``ladder``), and the wheels in them. A run of format 1 is read as
    it is: it had one image. ``residue.jsonl`` may be there: one line for each time that the run was
    measured, with what appeared on the machine meanwhile and was still there afterwards.
1
    First format. One folder per run, ``results/<site>/<run>/``:

    ``manifest.json``
        What was planned, where, with what. Rewritten only as a whole, atomically.
    ``observations.jsonl``
        One line per *turn* (one probe on one arm in one block) with all its observations and the
        seconds it took, so that a crash loses at most the turn being taken.
    ``evidence.jsonl`` and ``outputs.jsonl``
        Every process started, and what was printed: each output once, by its SHA-256, as text or,
        where it is not UTF-8, as base64.
    ``complete.json``
        The sentinel: digests of the files above it, written last. Of a run that came
        in an archive it also says what was hidden (``archived``, see `evaluation.manifest.ArchivedFacts`).
    ``names.jsonl``
        The names of hosts and people that were looked up while it was measured: none of them may be in an
        archive, and so this file is in none. It is no result: the sentinel does not count it.
    ``*.torn``
        What a crash left of a line that it interrupted. It counts for nothing.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from evaluation.errors import EvaluationError
from evaluation.files import (
    append_lines,
    as_packed,
    digest_of,
    pack,
    read_lines,
    read_object,
    require_writable,
    set_torn_end_aside,
    write_atomically,
)
from evaluation.manifest import (
    FORMAT,
    ArchivedFacts,
    FormFacts,
    HostFacts,
    ImageFacts,
    Manifest,
    RuntimeFacts,
)
from evaluation.model import FAKE, NO_MEASUREMENTS, Evidence, Observation

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
    "measurements",
    "require_results",
]

_SENTINEL = "complete.json"
_READ = (1, 2, FORMAT)
_MANIFEST = "manifest.json"
_OBSERVATIONS = "observations.jsonl"
_EVIDENCE = "evidence.jsonl"
_OUTPUTS = "outputs.jsonl"
_RESIDUE = "residue.jsonl"
_NAMES = "names.jsonl"
_LINES = (_OBSERVATIONS, _EVIDENCE, _OUTPUTS, _RESIDUE)
_EMPTY = hashlib.sha256(b"").hexdigest()


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
        self._kept: set[str] | None = None

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
        write_atomically(self.path / _MANIFEST, manifest.model_dump_json(indent=2) + "\n")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from adding to this run: another machine may see the same folder.

        Raises
        ------
        EvaluationError
            The run is complete, and nothing of it was opened for writing. Or another measurement holds it.
        """
        self._refuse_if_not_open()
        with (self.path / _OBSERVATIONS).open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EvaluationError(
                    "another measurement adds to this run",
                    where=str(self.path),
                    advice="Wait until it ends, or begin a run of your own: evaluation run --fresh.",
                ) from None
            except OSError:
                pass  # a file system without locks; on one machine there is only one measurement anyway
            yield

    def reopen(self) -> None:
        """Make an interrupted run writable again: set aside a line that a crash left torn.

        Raises
        ------
        EvaluationError
            The run is complete: nothing may be added to it. Or it was, and has lost its sentinel.
        """
        self._refuse_if_not_open()
        for name in (*_LINES, _NAMES):
            set_torn_end_aside(self.path / name)

    def append(
        self,
        turn: Turn,
        observations: Sequence[Observation],
        evidence: Iterable[tuple[Evidence, bytes, bytes]],
        *,
        took_s: float = 0.0,
    ) -> None:
        """Keep one turn for good: the evidence first, then one line that makes it count.

        Raises
        ------
        EvaluationError
            The run is complete: nothing may be added to it. Or the runtime is a fake of the unit tests:
            what it does is no result.
        """
        self._refuse_if_complete()
        if turn.runtime.startswith(FAKE):
            raise EvaluationError("a fake's results are no results", where=turn.runtime)
        if self._kept is None:
            self._kept = {str(row.get("sha256")) for _, row in self._rows(_OUTPUTS)}
        records: list[object] = []
        outputs: dict[str, object] = {}
        for record, stdout, stderr in evidence:
            records.append(asdict(record))
            for digest, data in ((record.stdout, stdout), (record.stderr, stderr)):
                if data and digest not in self._kept:
                    outputs[digest] = _output_row(digest, data)
        append_lines(self.path / _OUTPUTS, list(outputs.values()))
        self._kept |= outputs.keys()
        append_lines(self.path / _EVIDENCE, records)
        shared, own = _factored([asdict(item) for item in observations])
        row = {"turn": turn.key, "took_s": round(took_s, 3), "shared": shared, "observations": own}
        append_lines(self.path / _OBSERVATIONS, [row])

    def note_residue(self, looked_at: str, left: Sequence[str]) -> None:
        """Keep what was left on the machine when measuring ended; of a complete run nothing is added."""
        if not self.complete:
            append_lines(self.path / _RESIDUE, [{"looked_at": looked_at, "left": list(left)}])

    def note_names(self, hosts: Collection[str], users: Collection[str]) -> None:
        """Keep the names that this machine looks up; they stay here when the run leaves its site."""
        append_lines(self.path / _NAMES, [{"hosts": sorted(hosts), "users": sorted(users)}])

    def names(self) -> tuple[frozenset[str], frozenset[str]]:
        """Names of hosts, and of users, that were looked up while it was measured; earlier runs have none."""
        rows = [row for _, row in read_lines(self.path / _NAMES, torn_end=True)]
        hosts, users = (
            frozenset(str(name) for row in rows for name in row.get(kind, ())) for kind in ("hosts", "users")
        )
        return hosts, users

    def finish(self, finished_at: str) -> None:
        """Write the sentinel.

        Raises
        ------
        EvaluationError
            The run is complete already, or a file of it is damaged.
        """
        self._refuse_if_complete()
        sentinel = {
            "finished_at": finished_at,
            "turns": len(self.turns_done()),
            "sha256": {name: digest_of(self.path / name) for name in self._files()},
        }
        write_atomically(self.path / _SENTINEL, json.dumps(sentinel, indent=2) + "\n")

    def pack(self) -> None:
        """Pack the files of lines, to keep the run or to send it; it stays the same run, and can be verified.

        An interruption leaves it readable, and it can be packed again.

        Raises
        ------
        EvaluationError
            The run is not complete, a file of it is damaged, or too large to be packed.
        """
        if not self.complete:
            raise EvaluationError(
                "the run is not complete, and what is packed cannot be resumed",
                where=str(self.path),
                advice="Finish it first: evaluation run.",
            )
        self.verify()
        loose = [path for name in _LINES if (path := self.path / name).exists()]
        for path in loose:
            pack(path)
        self.verify()  # whatever was packed, before what it was made of goes
        for path in loose:
            path.unlink()

    def _refuse_if_not_open(self) -> None:
        """Refuse what is complete, or was: looking at it must not add as much as an empty file."""
        self._refuse_if_complete()
        for name in _LINES:
            if as_packed(self.path / name).exists():
                raise EvaluationError(
                    f"{name} is packed, as only a complete run's is, but {_SENTINEL} is missing",
                    where=str(self.path),
                    advice="Copy the run's folder anew from where it was made.",
                )

    def _refuse_if_complete(self) -> None:
        if self.complete:
            raise EvaluationError("the run is complete, nothing is added to it", where=str(self.path))

    # -- reading ---------------------------------------------------------------------------------

    @property
    def complete(self) -> bool:
        """Whether the sentinel was written."""
        return (self.path / _SENTINEL).exists()

    @property
    def finished_at(self) -> str:
        """When the sentinel was written; empty for a run that never finished."""
        return str(read_object(self.path / _SENTINEL).get("finished_at", "")) if self.complete else ""

    @property
    def archived(self) -> ArchivedFacts | None:
        """What was hidden before the run left its site; ``None`` for one that was measured here.

        Raises
        ------
        EvaluationError
            The sentinel is damaged.
        """
        path = self.path / _SENTINEL
        found = read_object(path).get("archived") if self.complete else None
        if found is None:
            return None
        try:
            return ArchivedFacts.model_validate(found)
        except ValidationError as error:
            raise _first_fault(error, str(path)) from None

    @property
    def manifest(self) -> Manifest:
        """Read the manifest.

        Raises
        ------
        EvaluationError
            It is missing, damaged, or of another format.
        """
        path = self.path / _MANIFEST
        found = read_object(path).get("format")
        if isinstance(found, int) and found > FORMAT:
            raise EvaluationError(
                f"format {found} is newer than this tool's {FORMAT}",
                where=str(path),
                advice="Update the tool, then read it again.",
            )
        if found not in _READ:
            raise EvaluationError(f"has no format that this tool knows: {found!r}", where=str(path))
        try:
            return Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise _first_fault(error, str(path)) from None

    def verify(self) -> None:
        """Hold every file against the sentinel.

        Raises
        ------
        EvaluationError
            A file is missing, was cut off, was changed or was added after the run had finished.
        """
        if not self.complete:
            return
        sentinel = read_object(self.path / _SENTINEL)
        digests = sentinel.get("sha256")
        if not isinstance(digests, dict) or _MANIFEST not in digests:
            raise EvaluationError("is damaged: it names no digests", where=str(self.path / _SENTINEL))
        for name in sorted({*digests, *self._files()}):
            for path in self._places(name) or [self.path / name]:
                if name not in digests:
                    problem = "was added after the run had finished"
                elif not path.exists():
                    problem = "is missing"
                elif digest_of(path) != digests[name]:
                    problem = "is not what the run's sentinel says: cut or changed"
                else:
                    continue
                raise EvaluationError(
                    problem,
                    where=str(path),
                    advice="Copy the run's folder anew from where it was made, or measure again.",
                )

    def turns_done(self) -> frozenset[str]:
        """Keys of the turns that count."""
        return frozenset(str(row.get("turn")) for _, row in self._rows(_OBSERVATIONS))

    def spent_s(self, probes: Collection[str]) -> float:
        """Seconds that all turns of some probes took, before and after every interruption."""
        rows = (row for _, row in self._rows(_OBSERVATIONS))
        return sum(
            float(row.get("took_s", 0.0)) for row in rows if str(row.get("turn")).split("/")[0] in probes
        )

    def observations(self) -> tuple[Observation, ...]:
        """Every raw value, in the order taken.

        Raises
        ------
        EvaluationError
            A line is damaged or is not an observation, with its place.
        """
        adapter = TypeAdapter(Observation)
        found = []
        for place, row in self._rows(_OBSERVATIONS):
            shared, items = row.get("shared"), row.get("observations")
            for item in items if isinstance(items, list) else [None]:
                if not isinstance(item, dict) or not isinstance(shared, dict):
                    raise EvaluationError("holds no observations", where=place)
                found.append(_read(adapter, Observation, shared | item, place))
        return tuple(found)

    def evidence(self) -> dict[str, Evidence]:
        """Every process started, by id."""
        adapter = TypeAdapter(Evidence)
        records = (_read(adapter, Evidence, row, place) for place, row in self._rows(_EVIDENCE))
        return {record.id: record for record in records}

    def outputs(self) -> dict[str, bytes]:
        """Everything that was printed, by SHA-256.

        Raises
        ------
        EvaluationError
            An output is not what its digest says.
        """
        found = {_EMPTY: b""}
        for place, row in self._rows(_OUTPUTS):
            try:
                data = row["text"].encode() if "text" in row else base64.b64decode(row["base64"])
                digest = str(row["sha256"])
            except (KeyError, ValueError, AttributeError, TypeError):
                raise EvaluationError("holds no output", where=place) from None
            if hashlib.sha256(data).hexdigest() != digest:
                raise EvaluationError(f"the output is not what its digest {digest} says", where=place)
            found[digest] = data
        return found

    def residue(self) -> tuple[str, ...] | None:
        """What was left on the machine, each thing once; ``None`` where nobody looked."""
        rows = [row.get("left") for _, row in self._rows(_RESIDUE)] if self._has(_RESIDUE) else []
        left = [str(what) for row in rows if isinstance(row, list) for what in row]
        return tuple(dict.fromkeys(left)) if rows else None

    def lines(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Read one of the files of lines as it is, each object with its place; packed or not."""
        return self._rows(name)

    def _has(self, name: str) -> bool:
        return bool(self._places(name))

    def _files(self) -> list[str]:
        return [name for name in (_MANIFEST, *_LINES) if self._has(name)]

    def _places(self, name: str) -> list[Path]:
        """Where a file stands: loose, packed, or (packing was interrupted) both."""
        loose = self.path / name
        places = (loose, as_packed(loose)) if name in _LINES else (loose,)
        return [path for path in places if path.exists()]

    def _rows(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in self._places(name)[:1]:
            yield from read_lines(path, torn_end=not self.complete)


def find_runs(results: Path, site: str = "") -> tuple[Run, ...]:
    """Every run below ``results``, oldest first within a site."""
    return tuple(Run(path.parent) for path in sorted(results.glob(f"{site or '*'}/*/{_MANIFEST}")))


def require_results(results: Path, site: str) -> None:
    """Refuse results that cannot be written to before anything is measured or added.

    Raises
    ------
    EvaluationError
        Their folder, or what is there of the site already, cannot be written to.
    """
    advice = "Name another folder for the results: --results FOLDER."
    require_writable(results, advice)
    if (results / site).exists():
        require_writable(results / site, advice)


def measurements(runs: Iterable[Run]) -> list[Run]:
    """Of some runs those that something is decided from: no calibration, and no sweep."""
    return [run for run in runs if run.manifest.profile not in NO_MEASUREMENTS]


def _output_row(digest: str, data: bytes) -> object:
    try:
        return {"sha256": digest, "text": data.decode()}
    except UnicodeDecodeError:
        return {"sha256": digest, "base64": base64.b64encode(data).decode("ascii")}


def _factored(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Say once what all observations of a turn have in common; ``shared | own`` gives each one back."""
    shared = {
        key: value
        for key, value in (rows[0] if rows else {}).items()
        # 1 and True are equal, and yet not the same value.
        if all(row[key] == value and type(row[key]) is type(value) for row in rows)
    }
    return shared, [{key: value for key, value in row.items() if key not in shared} for row in rows]


def _read(adapter: TypeAdapter[Any], kind: type[Any], row: dict[str, Any], place: str) -> Any:  # noqa: ANN401 - of the kind
    if unknown := row.keys() - {field.name for field in fields(kind)}:
        raise EvaluationError(f"holds what is not known: {', '.join(sorted(unknown))}", where=place)
    try:
        return adapter.validate_python(row)
    except ValidationError as error:
        raise _first_fault(error, place) from None


def _first_fault(error: ValidationError, place: str) -> EvaluationError:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return EvaluationError(f"{name}: {first['msg']}" if name else first["msg"], where=place)
