"""What every probe owes its reader and its tools: `evaluation validate` tells each fault with its line."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from evaluation.documents import unknown
from evaluation.errors import EvaluationError, Fault, FaultyDocumentError
from evaluation.loading import file_of
from evaluation.probes.base import Probe
from evaluation.probes.registry import discover, group_of

__all__ = ["complaints", "probe_faults"]

NEEDS = ("image", "payload", "batch")
REPEATS = ("paired", "once")
NUMBER = re.compile(r"[PB]\d\d")
_FEWEST_WORDS = 10
_FEWEST_WORDS_OF_A_REASON = 8


def complaints(probe: Probe, group: str, images: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """Say what is wrong with a probe of a group: the field, and what it should be.

    Parameters
    ----------
    images : collection of str, optional
        Names of all images there are; given, another one is a fault.
    """
    for rules in (_words, _facts, _repetition, _attempt):
        yield from rules(probe, group)
    if images is not None and probe.image not in images:
        yield "image", unknown("image", probe.image, images)


def _words(probe: Probe, _: str) -> Iterator[tuple[str, str]]:
    if not probe.question.endswith("?"):
        yield "question", "should end with a question mark"
    for name, text in (("why", probe.why), ("method", probe.method), ("remedy", probe.remedy)):
        if len(text.split()) < _FEWEST_WORDS:
            yield name, f"should have at least {_FEWEST_WORDS} words"
        if not text.endswith("."):
            yield name, "should end with a full stop"
        if "  " in text:
            yield name, "should have single spaces between its words"
    if not re.search("control", probe.method, re.IGNORECASE):
        yield "method", "should name the control, in that word"
    for reference in probe.references:
        if not (reference.title and reference.url.startswith("https://")):
            yield "references", "each should have a title, and a URL that begins with https://"


def _facts(probe: Probe, group: str) -> Iterator[tuple[str, str]]:
    if probe.version < 1:
        yield "version", "should be at least 1"
    for need in probe.needs:
        if need not in NEEDS:
            yield "needs", unknown("need", need, NEEDS)
    if ("batch" in probe.needs) is not (group == "batch"):
        yield "needs", "should have 'batch' in the group batch, and nowhere else"
    if bool(probe.unit) is not (group == "performance"):
        yield "unit", "should be given in the group performance, and nowhere else"
    if probe.bare and "payload" in probe.needs:
        yield "bare", "should not go with the need 'payload': without binds there is none"


def _repetition(probe: Probe, _: str) -> Iterator[tuple[str, str]]:
    if probe.repeat not in REPEATS:
        yield "repeat", unknown("way to repeat", probe.repeat, REPEATS)
    if probe.repeat == "paired" and not probe.unit:
        yield "repeat", "should be 'once', or there should be a unit: what is measured in blocks has one"
    if probe.turns < 1:
        yield "turns", "should be at least 1"
    if probe.repeat == "paired" and probe.turns > 1:
        yield "turns", "should be 1: what is measured in blocks is asked in each of them"
    if probe.repeat != "paired" and probe.modes:
        yield "modes", "should not be given: of what is asked once every mode is asked"


def _attempt(probe: Probe, group: str) -> Iterator[tuple[str, str]]:
    """Say what an attempt of the security checklist lacks."""
    if group != "security":
        if probe.checklist_id:
            yield "checklist_id", "should be given in the group security alone"
        return
    if not NUMBER.fullmatch(probe.checklist_id):
        yield "checklist_id", "should be the attempt's number in the security checklist, such as P15"
    if probe.severity is None:
        yield "severity", "should say how severe an exposure is"
    reason = probe.severity_reason
    if (
        len(reason.split()) < _FEWEST_WORDS_OF_A_REASON
        or not reason[:1].isupper()
        or not reason.endswith(".")
    ):
        yield "severity_reason", f"should be a sentence of at least {_FEWEST_WORDS_OF_A_REASON} words"
    if not probe.references:
        yield "references", "should name at least one, which was looked up"


def probe_faults(images: Collection[str] | None = None) -> list[Fault]:
    """Check every probe that is a file of ours; a workload's file is checked where it is read.

    A file that cannot be used at all is one fault, told before all others.
    """
    try:
        probes = discover()
    except FaultyDocumentError:  # a workload's file: its faults are told where it is read
        return []
    except EvaluationError as error:
        path, _, line = error.where.partition(":")
        return [Fault(path=path, line=int(line or 1), column=1, message=error.what)]
    faults = []
    for probe in probes.values():
        module = sys.modules.get(probe.observe.__module__)
        home = getattr(module, "__file__", None)
        if getattr(module, "PROBE", None) is not probe or home is None:
            continue
        lines: dict[str, int] | None = None
        for field, message in complaints(probe, group_of(probe.id), images):
            lines = _lines(Path(home)) if lines is None else lines
            place = lines.get(field, lines.get("", 1))
            faults.append(Fault(path=file_of(home), line=place, column=1, message=f"{field}: {message}"))
    return faults


def _lines(path: Path) -> dict[str, int]:
    """Find the line of each field of a file's ``PROBE``, and that of ``PROBE`` itself under no name."""
    found: dict[str, int] = {}
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.Assign(targets=[ast.Name(id="PROBE")], value=ast.Call() as call):
                    found[""] = node.lineno
                    found |= {word.arg: word.value.lineno for word in call.keywords if word.arg}
    return found
