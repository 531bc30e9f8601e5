"""From the neutral archives to each runtime's own form, and proof that all forms are the same image."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.folders import HeldFolder
from evaluation.images.build import BuiltImage
from evaluation.images.process import Run, must, require_space, without_addresses
from evaluation.model import PAYLOAD, Bind, Form, Task
from evaluation.payload.build import PROBE
from evaluation.reasons import reason_in
from evaluation.runtimes.base import Runtime

__all__ = ["ConvertedForm", "content_digest", "convert", "kept_form", "shared_form"]

_DIGEST_S = 900.0
"""Patience with a digest: 9 GB through FUSE take minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedForm:
    """One runtime's form. ``convert_s`` is the time it took when it was made; sizes in bytes.

    ``first_start_s`` is how long the very first start took, of /bin/true; ``None`` where it failed.
    """

    runtime: str
    form: Form
    reference: str
    size_bytes: int | None
    convert_s: float
    digest: str
    first_start_s: float | None = None


def convert(image: BuiltImage, runtime: Runtime, run: Run, payload: str) -> ConvertedForm:
    """Make a runtime's form, or take the one that is kept and still gives the same digest inside.

    Parameters
    ----------
    payload : str
        The directory with the payload, to be bound.

    Raises
    ------
    EvaluationError
        A step failed, or the form cannot be read from inside.
    """
    store = Path(image.folder) / "forms"
    note = store / f"{runtime.id}.json"
    preparation = runtime.prepare(image.archives, str(store))
    found = kept_form(note)
    if found and found.reference == preparation.reference:
        try:
            if content_digest(found.reference, runtime, run, payload) == found.digest:
                return found
        except EvaluationError:
            pass  # gone from the engine's store, or damaged: it is made anew
    must(run, ("mkdir", "-p", str(store)))
    require_space(run, str(store), 2 * image.tar_bytes, f"the form of the image {image.name}")
    if preparation.path:
        run(("chmod", "-R", "u+rwX", preparation.path), b"", 600.0)
        must(run, ("rm", "-rf", "--one-file-system", preparation.path))
    if preparation.files:
        must(run, ("mkdir", preparation.path))
    for target, source in preparation.files:  # through our hands: the user may not be able to read ours
        must(run, ("tee", target), stdin=(Path(__file__).parent / source).read_bytes())
    started = time.monotonic()
    for step in preparation.steps:
        must(run, step)
    took = time.monotonic() - started
    first_start_s = _first_start_s(preparation.reference, runtime, run)
    form = ConvertedForm(
        runtime=runtime.id,
        form=runtime.form,
        reference=preparation.reference,
        size_bytes=size_of(preparation.path, preparation.size_argv, run),
        convert_s=took,
        first_start_s=first_start_s,
        digest=content_digest(preparation.reference, runtime, run, payload),
    )
    must(run, ("tee", str(note)), stdin=json.dumps(asdict(form)).encode())
    return form


def shared_form(form: ConvertedForm, runtime: Runtime, run: Run, payload: str) -> ConvertedForm:
    """Let a mode run its base's form, after a look from inside: nothing is converted or timed again.

    Raises
    ------
    EvaluationError
        The form cannot be read from inside.
    """
    digest = content_digest(form.reference, runtime, run, payload)
    return replace(form, runtime=runtime.id, digest=digest, first_start_s=None)


def _first_start_s(reference: str, runtime: Runtime, run: Run) -> float | None:
    """Time the first start of a new form: later it is no longer the first."""
    done = run(runtime.argv(Task(image=reference, argv=("/bin/true",))), b"", 300.0)
    return done.evidence.duration_s if done.ok else None


def kept_form(note: Path) -> ConvertedForm | None:
    """Read what was noted of a form; nothing where the note is missing or half-written."""
    try:
        with HeldFolder(note.parent) as held:
            kept = json.loads(held.read(note.name, owner=held.owner))
        return ConvertedForm(**{**kept, "form": Form(kept["form"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def size_of(path: str, argv: tuple[str, ...], run: Run) -> int | None:
    """Bytes that a form takes: on disk, or as its engine says; ``None`` where nobody knows."""
    done = run(argv or ("du", "--summarize", "--block-size=1", path), b"", 120.0)
    words = done.stdout.split()
    return int(words[0]) if done.ok and words and words[0].isdigit() else None


def content_digest(reference: str, runtime: Runtime, run: Run, payload: str) -> str:
    """SHA-256 over the image's files as they are seen from inside a container.

    Raises
    ------
    EvaluationError
        The container did not run, or did not print a digest.
    """
    bind = Bind(source=payload, target=PAYLOAD, read_only=runtime.read_only_binds)
    program, root = f"{runtime.sees(bind)}/{PROBE}", runtime.sees_image(reference, "/")
    task = Task(image=reference, argv=(program, "digest", root), binds=(bind,))
    done = run(runtime.argv(task), b"", _DIGEST_S)
    answer = _digest_line(done.stdout)
    if done.ok and isinstance(digest := answer.get("sha256"), str):
        return digest
    if unread := answer.get("first_error"):
        raise EvaluationError(
            f"{answer.get('errors')} files of the image cannot be read from inside: {unread}",
            where=f"{runtime.id}, {reference}",
        )
    said = done.stderr.decode(errors="replace")
    reason = runtime.own_failure(done.evidence.exit_status, said) or reason_in(said) or "it printed nothing"
    raise EvaluationError(
        f"the image cannot be read from inside: {without_addresses(reason)}",
        where=f"{runtime.id}, {reference}",
    )


def _digest_line(stdout: bytes) -> dict[str, object]:
    """Find the payload's answer among what runtimes say of their own."""
    for line in stdout.splitlines():
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if isinstance(fields, dict) and fields.get("what") == "digest":
            return fields
    return {}
