"""From the neutral archives to each runtime's own form, and proof that all forms are the same image."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.images.build import BuiltImage
from evaluation.images.contents import CONTENTS
from evaluation.images.holding import changing
from evaluation.images.process import Run, must, note_in, require_space, without_addresses
from evaluation.model import PAYLOAD, Bind, Completed, Form, Task
from evaluation.payload.build import PROBE
from evaluation.reasons import reason_in, reason_of
from evaluation.runtimes.base import Argv, Preparation, Runtime

__all__ = [
    "Content",
    "ConvertedForm",
    "UnseenFolderError",
    "content_inside",
    "contents_seen",
    "convert",
    "kept_form",
    "shared_form",
]

_START_S = 60.0
_DIGEST_S = 900.0
"""Patience with a digest: 9 GB through FUSE take minutes."""


class UnseenFolderError(EvaluationError):
    """A runtime runs the image, but does not see the folder that we have to show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is seen of an image from inside: SHA-256 over its own files, and what the runtime adds."""

    sha256: str
    added: int = 0
    first_added: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertedForm:
    """One runtime's form; sizes in bytes.

    ``convert_s`` is the time it took when it was made, ``None`` where the site keeps the image itself.

    ``first_start_s`` is how long the very first start took, of /bin/true; ``None`` where it failed.
    ``added`` counts paths that are seen inside and are not the image's own, and ``first_added`` is one.
    """

    runtime: str
    form: Form
    reference: str
    size_bytes: int | None
    convert_s: float | None
    digest: str
    first_start_s: float | None = None
    added: int = 0
    first_added: str = ""

    @property
    def content(self) -> Content:
        """What was seen inside when it was made."""
        return Content(sha256=self.digest, added=self.added, first_added=self.first_added)


def convert(image: BuiltImage, runtime: Runtime, run: Run, payload: str) -> ConvertedForm:
    """Make a runtime's form, or take the one that is kept and still gives the same digest inside.

    Parameters
    ----------
    payload : str
        The directory with the payload and the image's list of paths, to be bound.

    Raises
    ------
    EvaluationError
        A step failed, or the form cannot be read from inside.
    """
    store = Path(image.folder) / "forms"
    note = store / f"{runtime.id}.json"
    preparation = runtime.prepare(image.archives, str(store))

    def taken() -> ConvertedForm | None:
        found = kept_form(note)  # unreadable is not absent
        if found and found.reference == preparation.reference:
            try:
                if content_inside(found.reference, runtime, run, payload, image.name) == found.content:
                    return found
            except UnseenFolderError:
                raise  # it is not the form's fault
            except EvaluationError:
                pass  # gone from the engine's store, or damaged: it is made anew
        return None

    if found := taken():
        return found
    with changing(Path(image.folder), run):
        if found := taken():  # by another clone, while we waited for it
            return found
        with _aside(preparation.path, run):
            return _made(image, runtime, preparation, run, payload, note)


@contextmanager
def _aside(path: str, run: Run) -> Iterator[None]:
    """Put what was there out of the way, and back where none can be made: the fault may be elsewhere."""
    before = f"{path}.before"
    if path:
        _remove(before, run)
        run(("mv", "--no-target-directory", path, before), b"", 60.0)  # there need not be anything
    try:
        yield
    except BaseException:
        if path and run(("test", "-e", before), b"", 60.0).ok:
            _remove(path, run)
            run(("mv", "--no-target-directory", before, path), b"", 60.0)
        raise
    if path:
        _remove(before, run)


def _remove(path: str, run: Run) -> None:
    run(("chmod", "-R", "u+rwX", path), b"", 600.0)
    must(run, ("rm", "-rf", "--one-file-system", path))


def _made(
    image: BuiltImage, runtime: Runtime, preparation: Preparation, run: Run, payload: str, note: Path
) -> ConvertedForm:
    store = note.parent
    must(run, ("mkdir", "-p", str(store)))
    require_space(run, str(store), 2 * image.tar_bytes, f"the form of the image {image.name}")
    if preparation.files:
        must(run, ("mkdir", preparation.path))
    for target, source in preparation.files:  # through our hands: the user may not be able to read ours
        must(run, ("tee", target), stdin=(Path(__file__).parent / source).read_bytes())
    started = time.monotonic()
    for step in preparation.steps:
        must(run, step, env=preparation.env)
    took = time.monotonic() - started
    first_start_s = _first_start_s(preparation.reference, runtime, run)
    content = content_inside(preparation.reference, runtime, run, payload, image.name)
    form = ConvertedForm(
        runtime=runtime.id,
        form=runtime.form,
        reference=preparation.reference,
        size_bytes=size_of(preparation.path, preparation.sizes, run),
        convert_s=took if preparation.steps else None,
        first_start_s=first_start_s,
        digest=content.sha256,
        added=content.added,
        first_added=content.first_added,
    )
    must(run, ("tee", str(note)), stdin=json.dumps(asdict(form)).encode())
    return form


def shared_form(form: ConvertedForm, runtime: Runtime, run: Run, payload: str, image: str) -> ConvertedForm:
    """Let a mode run its base's form, after a look from inside: nothing is converted or timed again.

    Raises
    ------
    EvaluationError
        The form cannot be read from inside.
    """
    content = content_inside(form.reference, runtime, run, payload, image)
    return replace(
        form,
        runtime=runtime.id,
        digest=content.sha256,
        added=content.added,
        first_added=content.first_added,
        first_start_s=None,
    )


def _first_start_s(reference: str, runtime: Runtime, run: Run) -> float | None:
    """Time the first start of a new form: later it is no longer the first."""
    done = run(runtime.argv(Task(image=reference, argv=("/bin/true",))), b"", 300.0)
    return done.evidence.duration_s if done.ok else None


def kept_form(note: Path) -> ConvertedForm | None:
    """Read what was noted of a form; nothing where the note is missing or half-written.

    Raises
    ------
    UnreadableCacheError
        It is not known whether there is one.
    """
    try:
        kept = json.loads(note_in(note.parent, note.name) or b"")
        return ConvertedForm(**{**kept, "form": Form(kept["form"])})
    except (ValueError, TypeError, KeyError):
        return None


def size_of(path: str, sizes: tuple[Argv, ...], run: Run) -> int | None:
    """Bytes that a form takes: on disk, or as its engine says; ``None`` where nobody knows."""
    total = 0
    for argv in sizes or (("du", "--summarize", "--block-size=1", path),):
        done = run(argv, b"", 120.0)
        words = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
        if not done.ok or not words or not all(word.isdigit() for word in words):
            return None
        total += sum(map(int, words))
    return total


def content_inside(reference: str, runtime: Runtime, run: Run, payload: str, image: str) -> Content:
    """Look at the image from inside a container: its own files, and how many paths are not its own.

    Parameters
    ----------
    image : str
        The image's name, by which its list of paths is found beside the payload.

    Raises
    ------
    EvaluationError
        The container did not run, or did not print a digest.
    """
    done = _look(reference, runtime, run, payload, image)
    answer = _digest_line(done.stdout)
    if done.ok and isinstance(digest := answer.get("sha256"), str):
        added = answer.get("added")
        return Content(
            sha256=digest,
            added=added if isinstance(added, int) else 0,
            first_added=str(answer.get("first_added", "")),
        )
    if unread := answer.get("first_error"):
        raise EvaluationError(
            f"{answer.get('errors')} files of the image cannot be read from inside: {unread}",
            where=f"{runtime.id}, {reference}",
        )
    said = done.stderr.decode(errors="replace")
    reason = runtime.own_failure(done.evidence.exit_status, said) or reason_in(said) or "it printed nothing"
    if not done.evidence.timed_out:
        _refuse_unseen(payload, reference, runtime, run)
    raise EvaluationError(
        f"the image cannot be read from inside: {without_addresses(reason)}",
        where=f"{runtime.id}, {reference}",
    )


def contents_seen(reference: str, runtime: Runtime, run: Run, payload: str, image: str) -> tuple[bytes, ...]:
    """Every line that `content_inside` counts: kind, path, and a file's mode, size and SHA-256."""
    lines = _look(reference, runtime, run, payload, image, "entries").stdout.splitlines()
    return tuple(line for line in lines if line[:1].isdigit())


def _look(reference: str, runtime: Runtime, run: Run, payload: str, image: str, *words: str) -> Completed:
    bind = Bind(source=payload, target=PAYLOAD, read_only=runtime.read_only_binds)
    inside, root = runtime.sees(bind), runtime.sees_image(reference, "/")
    argv = (f"{inside}/{PROBE}", "digest", root, f"{inside}/{CONTENTS}/{image}", *words)
    task = Task(image=reference, argv=argv, binds=(bind,))
    return run(runtime.argv(task), b"", _DIGEST_S)


def _refuse_unseen(payload: str, reference: str, runtime: Runtime, run: Run) -> None:
    """Find out whether a runtime runs the image, and only does not see the folder that we show it."""
    bind = Bind(source=payload, target=PAYLOAD, read_only=runtime.read_only_binds)
    alone = Task(image=reference, argv=("/bin/true",))
    if runtime.sees(bind) == bind.source or not run(runtime.argv(alone), b"", _START_S).ok:
        return  # it binds nothing; or it does not even start
    program = replace(alone, argv=(f"{runtime.sees(bind)}/{PROBE}", "start"), binds=(bind,))
    if run(runtime.argv(program), b"", _START_S).ok:
        return  # it sees the folder: the fault is elsewhere
    bound = run(runtime.argv(replace(alone, binds=(bind,))), b"", _START_S)
    how = "it sees nothing in it that it could run" if bound.ok else reason_of(bound)
    raise UnseenFolderError(
        f"it runs the image, but not with a folder of {Path(bind.source).parents[1]} bound: TMPDIR must be "
        f"one that it sees ({how})",
        where=f"{runtime.id}, {reference}",
        advice="Set TMPDIR to a folder that the runtime, or its engine, can see.",
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
