"""What happens when there is no room for the image: a clear refusal, and nothing half-made that starts."""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from evaluation.model import Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, root_directory
from evaluation.probes.canaryimage import CanaryImage, require_images, said, without_cache, word_in
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional
from evaluation.runtimes.base import Preparation

_NOISE_BYTES = 24 * 2**20
_FULL, _ROOMY = "8m", "256m"
_PATIENCE_S = 120.0
_WORDS = ("no space", "enospc", "disk quota", "not enough space")


def observe(session: Session) -> None:
    """Make the form in a file system that is too small, look at what is left, then in one with room."""
    require_images(session)
    if session.adapter.has_engine and session.adapter.family != "podman":
        session.record(UNAVAILABLE, "its store is the daemon's or the site's: it is not filled for a probe")
        return
    if not session.privileged:
        session.record(UNAVAILABLE, NEEDS_ROOT)
        return
    image = CanaryImage(noise=os.urandom(_NOISE_BYTES))
    with root_directory() as folder:
        if folder is None:
            session.record(UNAVAILABLE, "this host has no temporary directory")
            return
        archives = image.archives(folder)
        with _store(session, folder, _ROOMY) as store:
            if store is None:
                session.record(PROBLEM, "no small file system can be mounted here")
                return
            roomy, ran, last = _made(session, session.adapter.prepare(archives, str(store)), store, image)
        if not (roomy and ran):
            session.record(PROBLEM, f"with room enough it was not made either: {last}")
            return
        with _store(session, folder, _FULL) as store:
            if store is None:
                session.record(PROBLEM, "no small file system can be mounted here")
                return
            made, ran, last = _made(session, session.adapter.prepare(archives, str(store)), store, image)
            left = _left(store)
    clear = any(word in last.lower() for word in _WORDS)
    session.record("handled", not made and not ran and clear)
    said_so = "it says so" if clear else "it does not say that the disk is full"
    after = "what is left of it starts" if ran else "nothing of it starts"
    session.record(
        DETAIL, f"{'it ended with 0' if made else said_so}: {last}; {after}; {left} bytes were left behind"
    )


@contextmanager
def _store(session: Session, folder: Path, size: str) -> Iterator[Path | None]:
    """Mount a small file system of the measuring user's; root's own hands mount and unmount it."""
    place = folder / size
    place.mkdir(mode=0o755)
    options = f"size={size},mode=0755,uid={session.uid},gid={session.gid},nosuid,nodev"
    mounted = session.by_verifier(("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)))
    try:
        yield place if mounted.ok else None
    finally:
        if mounted.ok:
            session.by_verifier(("umount", "--lazy", str(place)))


def _made(
    session: Session, preparation: Preparation, store: Path, image: CanaryImage
) -> tuple[bool, bool, str]:
    """Make the form, all in the small file system; whether it was made, runs, and what was said."""
    adapter = session.adapter
    own = tuple(f"{name}={store}" for name in ("TMPDIR", "APPTAINER_TMPDIR", "SINGULARITY_TMPDIR"))
    if adapter.family == "podman":
        engine = ("--root", f"{store}/s", "--runroot", f"{store}/r")  # the latter at most 50 characters
        adapter = adapter.using(engine_options=engine)
        steps: tuple[tuple[str, ...], ...] = tuple(
            (adapter.command, *adapter.engine_options, *step[len(session.adapter.engine_options) + 1 :])
            for step in preparation.steps
        )
    else:
        steps = preparation.steps
    last = session.on_host(("true",))
    for step in steps:
        last = session.on_host(without_cache(("env", *own, *step)), timeout_s=_PATIENCE_S)
        if not last.ok:
            break
    told = said(last, *_WORDS)
    if adapter.family == "podman":
        # Running from a store of its own is another question; here it counts whether the store names it.
        listing = (adapter.command, *adapter.engine_options, "image", "exists", image.name)
        return last.ok, session.on_host(listing).ok, told
    word, _ = word_in(session, preparation.reference)
    return last.ok, word == image.word or bool(word), told


def _left(store: Path) -> int:
    """Bytes of the files that lie there now."""
    total = 0
    for folder, _, names in os.walk(store):
        for name in names:
            found = os.lstat(Path(folder, name))
            total += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return total


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where it was refused in clear words and nothing half-made starts."""
    return functional(
        own,
        others,
        "handled",
        works="a full store is said to be full, and no half image starts",
        fails="a full store is not handled",
    )


PROBE = Probe(
    id="full_image_cache",
    version=1,
    question="Where there is no room for an image, is that said, and is nothing half-made left that starts?",
    why=(
        "Scratch disks of nodes fill up. A job must then end with a clear message; half an image that "
        "starts is worse than none, for it fails later, elsewhere and in other words."
    ),
    method=(
        "Root mounts a small file system in memory that belongs to the measuring user, and the runtime's "
        "form of a fresh image of 24 MB of random bytes is made in it, with its temporary files, by its own "
        "commands: first in 256 MB, which must succeed (the control), then in 8 MB. It holds where the "
        "second ends with an error that speaks of space and what is left does not start (Podman: its store "
        "does not name the image). Docker's store is the daemon's, and is not filled for a probe."
    ),
    remedy="Ask for space before converting, rename at the end, and remove what failed.",
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    quick=False,  # as cached_image_reuse
    references=(Reference(title="tmpfs(5)", url="https://man7.org/linux/man-pages/man5/tmpfs.5.html"),),
)
