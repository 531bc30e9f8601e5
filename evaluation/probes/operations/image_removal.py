"""What is left of an image that was removed by the runtime's own command."""

import os
from collections.abc import Mapping
from pathlib import Path

from evaluation.probes.asking import NoAnswerError
from evaluation.probes.base import Completed, Judgement, Observations, Probe, Session
from evaluation.probes.canaries import NEEDS_ROOT, root_directory
from evaluation.probes.canaryimage import CanaryImage, forget, require_images, said, word_in
from evaluation.probes.judging import DETAIL, PROBLEM, UNAVAILABLE, functional

_PATIENCE_S = 300.0
_STORE = {"docker": "{{.DockerRootDir}}", "podman": "{{.Store.GraphRoot}}"}
_LEAST_BYTES = 2**20
_STAMP = "begun"


def observe(session: Session) -> None:
    """Make an image with a file of a size that no other has, remove it, and look for that size."""
    require_images(session)
    adapter = session.adapter
    if adapter.family == "docker" and not session.privileged:
        session.record(UNAVAILABLE, NEEDS_ROOT)
        return
    size = _LEAST_BYTES + int.from_bytes(os.urandom(2)) * 2 + 1
    image = CanaryImage(noise=os.urandom(size))
    with root_directory() as folder:
        if folder is None:
            session.record(UNAVAILABLE, "this host has no temporary directory")
            return
        session.on_host(("mkdir", "-p", str(session.work / "forms")))
        session.on_host(("touch", str(session.work / _STAMP)))
        preparation = adapter.prepare(image.archives(folder), str(session.work / "forms"))
        done: list[Completed] = []
        try:
            own = tuple(f"{name}_CACHEDIR={session.work}/cache" for name in ("APPTAINER", "SINGULARITY"))
            done += [
                session.on_host(("env", *own, *step), timeout_s=_PATIENCE_S) for step in preparation.steps
            ]
            word, ran = word_in(session, preparation.reference)
            if word != image.word:
                session.record(PROBLEM, f"the image does not run: {said(ran)}", evidence=done)
                return
            stores = _stores(session)
            before = _found(session, stores, size)
        finally:
            forget(session, image.name)
        if preparation.path:
            session.on_host(("chmod", "-R", "u+rwX", preparation.path))
            done.append(session.on_host(("rm", "-rf", "--one-file-system", preparation.path)))
    left = _found(session, stores, size)
    if not before:
        session.record(PROBLEM, "the image was not found in the store before it was removed", evidence=done)
        return
    session.record("gone", not left, evidence=done)
    what = "by its own command" if adapter.has_engine else "as a file or tree; it has no command for that"
    session.record(DETAIL, f"removed {what}, {len(left)} of its files left", evidence=done)


def _stores(session: Session) -> tuple[str, ...]:
    """Where it keeps what it makes of images: its engine's store; else this turn's folder, and its cache."""
    adapter = session.adapter
    if form := _STORE.get(adapter.family):
        asked = session.on_host((adapter.command, *adapter.engine_options, "info", "--format", form))
        return tuple(asked.stdout.decode().split())
    return (str(session.work),)


def _found(session: Session, stores: tuple[str, ...], size: int) -> tuple[str, ...]:
    """Files of that very size in the stores; where there is no engine, new ones that could hold its noise."""
    wanted: tuple[str, ...] = ("-size", f"{size}c")
    if not session.adapter.has_engine:
        # Random bytes stay as many in any image file.
        wanted = ("-cnewer", str(session.work / _STAMP), "-size", f"+{size // 1024 - 1}k")
    find = ("find", *stores, "-xdev", "-type", "f", *wanted)
    look = session.by_verifier if session.privileged else session.on_host
    done = look(find, timeout_s=_PATIENCE_S)
    if done.evidence.timed_out:
        raise NoAnswerError(f"the store could not be searched within {_PATIENCE_S:.0f} s")
    return tuple(Path(line).name for line in done.stdout.decode().splitlines())


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where nothing is left."""
    return functional(
        own,
        others,
        "gone",
        works="nothing is left of an image that was removed",
        fails="something is left of an image that was removed",
    )


PROBE = Probe(
    id="image_removal",
    version=1,
    question="Is an image gone from the disk once it was removed by the runtime's own command?",
    why=(
        "Caches of images that only ever grow fill nodes, and nobody knows whose they are. A centre that "
        "gives a collaboration an allocation must be able to clear it."
    ),
    method=(
        "The measuring user makes the runtime's own form of a fresh image with a file of a size that was "
        "drawn at random, its cache on but in this turn's own folder, and runs it. The file must be found "
        "before it is removed (the control). The image is then removed by its name, or as the file or tree "
        "that it is, and the store is searched for a file of that size, or the turn's folder for such a one."
    ),
    remedy="docker or podman image prune, apptainer cache clean; and a rule for when who runs it.",
    observe=observe,
    judge=judge,
    needs=("payload",),
    repeat="once",
    quick=False,  # as cached_image_reuse
)
