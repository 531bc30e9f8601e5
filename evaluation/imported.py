"""Results of other tools, kept beside ours as evidence; nothing is scored from them.

So far docker-bench-security (its JSON log, ``-l``). Its checks read configuration: they say what is set, and
not what an attempt can do. Several of them print no warning whatever is found, and so cannot fail; those are
named, because a PASS or INFO of theirs is no evidence.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evaluation.errors import EvaluationError
from evaluation.files import write_atomically

__all__ = ["CANNOT_FAIL", "SOURCE", "Check", "DockerBench", "Imported", "imported", "keep", "read"]

SOURCE: Final = "docker-bench-security 1.6.0, commit ff26d67, functions in tests/*.sh that hold no warning"

CANNOT_FAIL: Final = frozenset(
    [
        "1.1",
        "1.2",
        "1.2.1",
        "1.2.2",
        "2.1",
        "2.8",
        "2.17",
        "4.2",
        "4.3",
        "4.4",
        "4.7",
        "4.8",
        "4.9",
        "4.10",
        "4.11",
        "4.12",
        "5.18",
        "5.19",
        "5.23",
        "5.24",
        "5.28",
        "5.30",
        "6.1",
        "6.2",
        "7.4",
        "7.6",
        "7.7",
        "7.8",
        "7.9",
    ]
)
"""Ids of checks whose code has no way to say WARN, in `SOURCE`."""

_FOLDER = "imported"
_MOST_BYTES = 5_000_000
_ADVICE = "Give the JSON log that docker-bench-security writes beside its text log (-l FILE makes FILE.json)."


class _Lenient(BaseModel):
    """A part of somebody else's document: what we do not know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Check(_Lenient):
    """One check: its number in the CIS Docker Benchmark, its words, and PASS, WARN, INFO or NOTE."""

    id: str = Field(max_length=40)
    desc: str = Field(max_length=2_000)
    result: str = Field(max_length=40)
    details: str = Field(default="", max_length=20_000)

    @property
    def cannot_fail(self) -> bool:
        """Whether the check would have said the same on any machine."""
        return self.id in CANNOT_FAIL


class _Section(_Lenient):
    id: str = ""
    desc: str = ""
    results: tuple[Check, ...] = ()


class DockerBench(_Lenient):
    """A result of docker-bench-security; ``dockerbenchsecurity`` is its version, times are in seconds."""

    dockerbenchsecurity: str
    start: int | None = None
    tests: tuple[_Section, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check, in its order."""
        return tuple(check for section in self.tests for check in section.results)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many checks said what."""
        return dict(sorted(Counter(check.result for check in self.checks).items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A kept result: where it lies (``site/imported/file``), its hash, and what it says."""

    place: str
    sha256: str
    result: DockerBench


def read(path: Path) -> DockerBench:
    """Read a result of docker-bench-security.

    Raises
    ------
    EvaluationError
        The file cannot be read, is too large, or is something else.
    """
    return _parsed(_bytes(path), path)


def keep(path: Path, results: Path, site: str) -> Imported:
    """Check a result and keep it, byte for byte, under its hash; a second time changes nothing.

    Raises
    ------
    EvaluationError
        As `read`.
    """
    data = _bytes(path)
    result, digest = _parsed(data, path), hashlib.sha256(data).hexdigest()
    target = results / site / _FOLDER / f"docker-bench-{digest[:12]}.json"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data.decode("utf-8"))
    return Imported(place=str(target.relative_to(results)), sha256=digest, result=result)


def imported(results: Path, site: str) -> tuple[Imported, ...]:
    """Give everything that is kept for a site, by name of file.

    Raises
    ------
    EvaluationError
        A kept file was damaged.
    """
    found = []
    for path in sorted((results / site / _FOLDER).glob("docker-bench-*.json")):
        data = _bytes(path)
        digest = hashlib.sha256(data).hexdigest()
        if f"docker-bench-{digest[:12]}.json" != path.name:
            raise EvaluationError(
                "was changed since it was imported", where=str(path), advice="import it again"
            )
        place = str(path.relative_to(results))
        found.append(Imported(place=place, sha256=digest, result=_parsed(data, path)))
    return tuple(found)


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            raise EvaluationError(
                f"is larger than {_MOST_BYTES} bytes: no result", where=str(path), advice=_ADVICE
            )
        return path.read_bytes()
    except OSError as error:
        raise EvaluationError(error.strerror or "cannot be read", where=str(path), advice=_ADVICE) from None


def _parsed(data: bytes, path: Path) -> DockerBench:
    try:
        # It writes some texts into its JSON without escaping line ends and tabs: read those as they are.
        found = json.loads(data.decode("utf-8"), strict=False)
    except (ValueError, RecursionError) as error:
        where = getattr(error, "lineno", None)
        raise EvaluationError(
            f"is no JSON: {error}", where=f"{path}:{where}" if where else str(path), advice=_ADVICE
        ) from None
    try:
        result = DockerBench.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EvaluationError(
            f"is no result of docker-bench-security: {place}: {first['msg']}", where=str(path), advice=_ADVICE
        ) from None
    if not result.checks:
        raise EvaluationError("holds no check", where=str(path), advice=_ADVICE)
    return result
