"""A finished run, made fit to leave its site."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evaluation import __version__
from evaluation.archive import container
from evaluation.archive.container import FILES, Header, Member
from evaluation.archive.fields import EVIDENCE, MANIFEST, OBSERVATION, RESIDUE, Rule, allowed
from evaluation.archive.hiding import Hider
from evaluation.archive.names import seen_in
from evaluation.errors import EvaluationError
from evaluation.files import read_object
from evaluation.store import Run
from evaluation.units import count, quantity

__all__ = ["Package", "pack"]

_KINDS: Final = {
    "path": "parts of paths",
    "host": "names of hosts",
    "user": "names of users",
    "name": "other names",
    "address": "network addresses",
    "mac": "hardware addresses",
    "mail": "mail addresses",
}
_NOTHING = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """One run as it may leave.

    ``hidden`` counts what was replaced, by kind; ``changed`` of ``transcripts`` are no longer what was
    printed, and ``withheld`` were no text and stay. ``stays`` are the run's files that are not in it.
    """

    files: Mapping[str, bytes]
    hidden: Mapping[str, int]
    transcripts: int
    changed: int
    withheld: int
    stays: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What would leave, a run and maybe its sweeps: nothing is written yet."""

    header: Header
    files: Mapping[str, bytes]
    _fit: tuple[_Fit, ...]

    def listing(self) -> str:
        """List the contents for whoever has to agree that they leave."""
        lines = [f"site {self.header.site}, run {self.header.run}"]
        lines += [f"  and beside it, of the same site, {name}" for name in self.header.beside.values()]
        lines += ["", "this leaves:"]
        for name, data in sorted(self.files.items()):
            what = _WHAT[name.rpartition("/")[2]]
            lines.append(f"  {name:<26} {quantity(len(data), 'B'):>9}  {what}")
        hidden = sum((Counter(each.hidden) for each in self._fit), Counter())
        lines += ["", "replaced by keyed hashes, or left out:"]
        lines += [f"  {number:>7}  {_KINDS.get(kind, kind)}" for kind, number in sorted(hidden.items())] or [
            "  nothing was found"
        ]
        transcripts, changed, withheld = (
            sum(getattr(each, name) for each in self._fit) for name in ("transcripts", "changed", "withheld")
        )
        lines.append(
            f"  {count(transcripts, 'transcript')}: {changed} changed by this, "
            f"{withheld} withheld because they are no text"
        )
        stays = sorted({name for each in self._fit for name in each.stays})
        lines += ["", "this stays: " + (", ".join(stays) or "nothing")]
        return "\n".join(lines)

    def write(self, path: Path) -> str:
        """Write the archive; return its SHA-256."""
        return container.write(path, self.header, self.files)


_WHAT: Final = {
    "manifest.json": "the machine, the runtimes and images found, their versions and options",
    "observations.jsonl": "every value that was measured or seen, with its time",
    "evidence.jsonl": "every command that was run, how long it took, how it ended",
    "outputs.jsonl": "what these commands printed",
    "residue.jsonl": "what was left on the machine",
    "complete.json": "digests of the above, and what was hidden",
}


def pack(run: Run, hider: Hider, beside: Mapping[str, Run] | None = None) -> Package:
    """Make a package of a run: only fields on the list, and in them nothing that must not leave.

    Parameters
    ----------
    beside : mapping of str to Run, optional
        Runs of the same site that go with it, by their place (`container.BESIDE`).

    Raises
    ------
    EvaluationError
        A run is not finished or damaged; or a field holds something that is not known to be harmless.
    """
    beside = beside or {}
    hosts: set[str] = set()
    users: set[str] = set()
    for each in (run, *beside.values()):
        _assert_finished(each)
        each.verify()
        seen = seen_in(each)
        hosts, users = hosts | seen[0], users | seen[1]
    known = hider.knowing(hosts, users)
    fit = {"": _fit(run, known), **{f"{place}/": _fit(each, known) for place, each in beside.items()}}
    files = {f"{place}{name}": data for place, each in fit.items() for name, data in each.files.items()}
    manifest = run.manifest
    header = {
        "format": container.FORMAT,
        "tool_version": __version__,
        "site": manifest.site,
        "run": manifest.run,
        "beside": {place: each.manifest.run for place, each in beside.items()},
        "files": {name: Member(sha256=_sha256(data), size_bytes=len(data)) for name, data in files.items()},
    }
    return Package(header=Header.model_validate(header), files=files, _fit=tuple(fit.values()))


def _assert_finished(run: Run) -> None:
    if not run.complete:
        raise EvaluationError(
            "the run is not finished",
            where=str(run.path),
            advice="Finish it: evaluation run; or pack another one.",
        )


def _fit(run: Run, known: Hider) -> _Fit:
    hider = known.counting_anew()
    files: dict[str, bytes] = {}
    manifest = run.manifest.model_dump(mode="json")
    files["manifest.json"] = _json(allowed(manifest, MANIFEST, hider, "manifest.json"))
    digests, outputs, withheld = _outputs(run, hider)
    ids, evidence = _evidence(run, hider, digests)
    files["outputs.jsonl"], files["evidence.jsonl"] = _lines(outputs), _lines(evidence)
    files["observations.jsonl"] = _lines(_observations(run, hider, ids))
    if run.residue() is not None:
        rows = _rows(run, "residue.jsonl", lambda row, where: allowed(row, RESIDUE, hider, where))
        files["residue.jsonl"] = _lines(rows)
    changed = {new: old for old, new in digests.items() if new != old}
    sentinel = read_object(run.path / "complete.json")
    files["complete.json"] = _json(
        {
            "finished_at": allowed(str(sentinel.get("finished_at", "")), Rule.MOMENT, hider, "finished_at"),
            "turns": len(run.turns_done()),
            "sha256": {name: _sha256(data) for name, data in sorted(files.items())},
            "archived": {
                "format": container.FORMAT,
                "hidden": dict(sorted(hider.counts.items())),
                "transcripts": len(digests),
                "changed": len(changed),
                "withheld": withheld,
                "originals": {
                    name: hider.keyed("digest", str(digest))
                    for name, digest in sorted(_originals(sentinel).items())
                },
                "outputs": {new: hider.keyed("digest", old) for new, old in sorted(changed.items())},
            },
        }
    )
    _nothing_left(files, hider)
    return _Fit(
        files=files,
        hidden=dict(hider.counts),
        transcripts=len(digests),
        changed=len(changed),
        withheld=withheld,
        stays=tuple(
            sorted(path.name for path in run.path.iterdir() if path.name.removesuffix(".gz") not in FILES)
        ),
    )


def _originals(sentinel: Mapping[str, Any]) -> Mapping[str, object]:
    found = sentinel.get("sha256")
    return (
        {name: digest for name, digest in found.items() if name in FILES} if isinstance(found, dict) else {}
    )


def _outputs(run: Run, hider: Hider) -> tuple[dict[str, str], list[object], int]:
    """Search every transcript; give the new digest of each old one, the new rows, how many were no text."""
    digests, rows, withheld = {}, {}, 0
    for old, data in run.outputs().items():
        if old == _NOTHING:
            continue
        try:
            text = hider.text(data.decode())
        except UnicodeDecodeError:
            withheld += 1
            number = hider.keyed("digest", old)[:10]
            text = f"[{len(data)} bytes that are no text stayed at the site, number {number}]\n"
        digests[old] = _sha256(text.encode())
        rows[digests[old]] = {"sha256": digests[old], "text": text}
    return digests, list(rows.values()), withheld


def _evidence(run: Run, hider: Hider, digests: Mapping[str, str]) -> tuple[dict[str, str], list[object]]:
    """Search every command; what an id is the SHA-256 of has changed, and so the id does."""
    ids: dict[str, str] = {}

    def leaving(row: Mapping[str, Any], where: str) -> object:
        kept = allowed(row, EVIDENCE, hider, where)
        for stream in ("stdout", "stderr"):
            kept[stream] = digests.get(kept[stream], kept[stream])
        old = kept.pop("id")
        ids[old] = _sha256(json.dumps(kept, sort_keys=True).encode())
        return {"id": ids[old], **kept}

    return ids, _rows(run, "evidence.jsonl", leaving)


def _observations(run: Run, hider: Hider, ids: Mapping[str, str]) -> list[object]:
    def item(values: object, where: str) -> dict[str, Any]:
        kept: dict[str, Any] = allowed(values, OBSERVATION, hider, where)
        if "evidence" in kept:
            kept["evidence"] = [ids.get(id_, id_) for id_ in kept["evidence"]]
        return kept

    def leaving(row: Mapping[str, Any], where: str) -> object:
        return {
            "turn": "/".join(
                allowed(part, Rule.WORD, hider, where) for part in str(row.get("turn", "")).split("/")
            ),
            "took_s": allowed(row.get("took_s", 0.0), Rule.FIGURE, hider, where),
            "shared": item(row.get("shared"), where),
            "observations": [item(values, where) for values in row.get("observations", ())],
        }

    return _rows(run, "observations.jsonl", leaving)


def _rows(run: Run, name: str, leaving: Callable[[Mapping[str, Any], str], object]) -> list[object]:
    return [leaving(row, where) for where, row in run.lines(name)]


def _nothing_left(files: Mapping[str, bytes], hider: Hider) -> None:
    """Look once more at what was made: a name that is still there must not leave."""
    for name, data in files.items():
        for number, line in enumerate(data.decode().splitlines(), start=1):
            if found := hider.found_in(line):
                raise EvaluationError(
                    f"would still hold {found!r}, the name of a host or a user here; nothing was written",
                    where=f"{name}:{number}",
                    advice=f"If everybody may know it: --public {found}.",
                )


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def _lines(rows: Iterable[object]) -> bytes:
    return "".join(
        json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n" for row in rows
    ).encode("utf-8", "replace")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
