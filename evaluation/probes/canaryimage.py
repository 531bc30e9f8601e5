"""A small image of the verifier's own: unlike any image a store may hold, and changed where it is wanted.

Its one layer holds a word in a file of random bytes. A store that knows a layer by its digest takes the one
it has and never looks at what came under that name: with fresh random bytes, no store has it. And what is
random no compression makes smaller, so that the word can be found and changed inside an image file too.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.machine import this_machine
from evaluation.payload.build import PROBE
from evaluation.probes.answers import read_answer
from evaluation.probes.base import Completed, Session
from evaluation.probes.canaries import secret
from evaluation.reasons import NOTHING, reason_in
from evaluation.runtimes.base import Archives

__all__ = ["MARK", "CanaryImage", "forget", "made", "require_images", "said", "without_cache", "word_in"]

MARK = "/srv/mark"
"""The file that holds the word, as seen from inside."""

_DIRECTORIES = (
    "bin dev etc home host lib lib64 mnt opt payload proc root run srv sys tmp usr var var/tmp work".split()  # noqa: SIM905 - read as a list
)

_FILES = ("hosts", "resolv.conf", "hostname", "passwd", "group", "nsswitch.conf")
_NOISE_BYTES = 2**18
"""Two whole blocks of a squashfs: what is left over would be packed with other files and compressed."""
_EPOCH = "2026-11-01T00:00:00Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryImage:
    """One image: ``word`` is in it; ``other`` has the same length and is put in its place to change it."""

    word: str = field(default_factory=secret)
    other: str = field(default_factory=secret)
    noise: bytes = field(default_factory=lambda: os.urandom(_NOISE_BYTES))
    name: str = field(default_factory=lambda: f"container-evaluation/canary:{secret()[:12]}")
    """Its reference: by it ``evaluation image list`` finds what an interrupted turn left behind."""

    @property
    def beginning(self) -> bytes:
        """How the file with the word begins: nothing else does."""
        return f"{self.word}\n\0".encode() + self.noise[:16]

    def layer(self, *, changed: bool = False) -> bytes:
        """The layer's tar, with its word or with the other one."""
        word = self.other if changed else self.word
        content = f"{word}\n\0".encode() + self.noise
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name in _DIRECTORIES:
                member = tarfile.TarInfo(f"./{name}")
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
            size = len(self.noise)
            files = {**{f"etc/{name}": b"" for name in _FILES}, MARK[1:]: content[:size]}
            for name, text in files.items():
                _add(tar, f"./{name}", text)
        return stream.getvalue()

    @property
    def config(self) -> bytes:
        """The image's configuration, which names its layer by the digest of the unchanged one."""
        digest = hashlib.sha256(self.layer()).hexdigest()
        return json.dumps(
            {
                "architecture": this_machine().debian,
                "os": "linux",
                "created": _EPOCH,
                "config": {"Env": ["PATH=/bin"]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
                "history": [{"created": _EPOCH}],
            }
        ).encode()

    @property
    def id(self) -> str:
        """By which an engine that stores images by their configuration knows it."""
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"

    def archives(self, folder: Path, *, changed: bool = False) -> Archives:
        """Write the archives that runtimes make their form from; changed, the layer is not what they say."""
        layer, config, identity = self.layer(changed=changed), self.config, self.id.partition(":")[2]
        stem = self.name.rpartition(":")[2]  # not the word: builders write where an image came from into it
        tar, archive = folder / f"{stem}.tar", folder / f"{stem}.docker.tar"
        tar.write_bytes(layer)
        manifest = [{"Config": f"{identity}.json", "RepoTags": [self.name], "Layers": ["layer.tar"]}]
        with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as target:
            _add(target, f"{identity}.json", config)
            _add(target, "layer.tar", layer)
            _add(target, "manifest.json", json.dumps(manifest).encode())
        return Archives(name=self.name, tar=str(tar), docker=str(archive))

    def directory(self, folder: Path) -> bytes:
        """Write it as containers/image's ``dir:``, where signatures can lie beside it; give its manifest."""
        layer, config = self.layer(), self.config
        parts = {
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": _part("application/vnd.docker.container.image.v1+json", config),
            "layers": [_part("application/vnd.docker.image.rootfs.diff.tar", layer)],
        }
        manifest = json.dumps({"schemaVersion": 2, **parts}).encode()
        folder.mkdir(mode=0o755)
        (folder / "version").write_text("Directory Transport Version: 1.1\n")
        (folder / "manifest.json").write_bytes(manifest)
        for blob in (layer, config):
            (folder / hashlib.sha256(blob).hexdigest()).write_bytes(blob)
        return manifest


def _part(kind: str, blob: bytes) -> Mapping[str, object]:
    return {"mediaType": kind, "size": len(blob), "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}"}


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    tar.addfile(member, io.BytesIO(content))


def without_cache(argv: tuple[str, ...], env: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A command that leaves nothing of the canary in the user's cache of Apptainer or Singularity."""
    settings = (f"{key}={value}" for key, value in (env or {}).items())
    return ("env", "APPTAINER_DISABLE_CACHE=1", "SINGULARITY_DISABLE_CACHE=1", *settings, *argv)


@contextmanager
def made(
    session: Session, archives: Archives, store: Path, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, Completed | None]]:
    """Make the runtime's form of an image, and remove it from an engine's store afterwards.

    ``env`` is put in the environment of the runtime's client.

    Files and trees are made in ``store``, below the turn's own directory, and go with it.

    Yields
    ------
    str, Completed or None
        How the runtime knows the image, empty where it was not made; and the last command.

    Raises
    ------
    RuntimeRefusalError
        No user can bring this runtime an image.
    """
    if not session.adapter.takes_images:
        raise session.adapter.refuse("no user can bring it an image: the site makes all that it runs")
    last, reference = session.on_host(("mkdir", "-p", str(store))), ""
    preparation = session.adapter.prepare(archives, str(store))
    try:
        for step in preparation.steps:
            last = session.on_host(without_cache(step, env), timeout_s=120.0)
            if not last.ok:
                break
        else:
            reference = preparation.reference
        yield reference, last
    finally:
        forget(session, archives.name)


def require_images(session: Session) -> None:
    """Stop a probe about keeping images where there are none: on the bare host.

    Raises
    ------
    RuntimeRefusalError
        This is the bare host.
    """
    if session.adapter.family == "host":
        raise session.adapter.refuse("a plain process keeps no images")


def forget(session: Session, image: str) -> None:
    """Remove an image from the engine's store, if the runtime has one; not being there is no fault."""
    adapter = session.adapter
    for argv in adapter.forgetting(image):
        with suppress(OSError):
            session.on_host(argv, timeout_s=60.0)


def word_in(session: Session, reference: str, env: Mapping[str, str] | None = None) -> tuple[str, Completed]:
    """Run the payload in an image and give the word that it found there; empty where it did not."""
    turn = session.with_image(reference)
    done = turn.launch((f"{session.payload_inside}/{PROBE}", "read", turn.image_path(MARK)), host_env=env)
    line = read_answer(done).first("read")
    return ((line.text("text") or "").strip() if line else ""), done


def said(done: Completed | None, *about: str) -> str:
    """Give the reason that a command printed, for a person; if a line is about one of some words, that."""
    text = (done.stderr or done.stdout).decode("utf-8", "replace") if done else ""
    chosen = [line for line in text.splitlines() if any(word in line.lower() for word in about)]
    return reason_in("\n".join(chosen) or text) or NOTHING
