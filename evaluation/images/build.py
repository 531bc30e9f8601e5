"""Building an image offline, by a route that favours no runtime.

Debian's packages and pinned wheels -> mmdebstrap -> one tar -> umoci and skopeo -> a docker-archive, which
every engine loads. No container engine takes part, and no root is needed. A built image is kept and used
again until its recipe changes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from evaluation.errors import EvaluationError
from evaluation.folders import HeldFolder
from evaluation.images.holding import changing
from evaluation.images.layers import difference
from evaluation.images.process import Run, must, note_in, require_space
from evaluation.images.recipe import PYTHON_PACKAGES, Recipe
from evaluation.images.tarball import DEB_LIST, normalise
from evaluation.images.wheels import fetch_wheels, pack_wheels
from evaluation.runtimes.base import Archives
from evaluation.scratch import scratch_directory

__all__ = [
    "DOCKER_TAR",
    "BuiltImage",
    "build",
    "kept_image",
    "note_to_carry",
    "noted_image",
    "unpack_carried",
]

DOCKER_TAR = "docker.tar"
"""The docker-archive, in an image's folder."""

_TOOLS = ("mmdebstrap", "umoci", "skopeo")
_DIGITS = 12
_COPIES = 4
"""How often the tar lies on disk while an image is built: raw, settled, layout, archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """A built image. ``tar_sha256`` is that of its whole tree as one tar; sizes in bytes."""

    name: str
    recipe_sha256: str
    tar_sha256: str
    tar_bytes: int
    build_s: float
    packages: tuple[str, ...]
    wheels: tuple[str, ...] = ()
    builder: tuple[str, ...] = ()
    """The tools that made it, as ``name=version``; empty where they were not noted."""
    under: tuple[str, ...] = ()
    """SHA-256 of the layers of another image that it lies on, the lowest first."""
    own_sha256: str = ""
    """SHA-256 of its own layer, where it lies on another's; else the one layer is ``tar_sha256``."""
    folder: str

    @property
    def layers(self) -> tuple[str, ...]:
        """SHA-256 of its layers, the lowest first."""
        return (*self.under, self.own_sha256 or self.tar_sha256)

    @property
    def layer(self) -> Path:
        """Its own layer's tar."""
        return Path(self.folder) / ("own.tar" if self.own_sha256 else "image.tar")

    @property
    def archives(self) -> Archives:
        """Its neutral archives."""
        return Archives(
            name=f"container-evaluation/{self.name}:{self.tar_sha256[:_DIGITS]}",
            tar=f"{self.folder}/image.tar",
            docker=f"{self.folder}/{DOCKER_TAR}",
        )


def folder_of(recipe_sha256: str, name: str, cache: Path) -> Path:
    """Where a built image is kept: another recipe is another folder."""
    return cache / "images" / f"{name}-{recipe_sha256[:_DIGITS]}"


def kept_image(recipe: Recipe, name: str, cache: Path) -> BuiltImage | None:
    """Find the image in the cache, if it was built from this very recipe."""
    return noted_image(folder_of(recipe.sha256, name, cache))


def noted_image(folder: Path) -> BuiltImage | None:
    """Read what was noted of a built image; nothing where the note is missing or half-written.

    Raises
    ------
    UnreadableCacheError
        It is not known whether there is one.
    """
    try:
        kept = json.loads(note_in(folder, "built.json") or b"")
        lists = {"packages": tuple(kept["packages"])}
        lists |= {name: tuple(kept.get(name, ())) for name in ("wheels", "builder", "under")}
        return BuiltImage(**{**kept, **lists, "folder": str(folder)})
    except (ValueError, TypeError, KeyError):
        return None


def note_to_carry(image: BuiltImage) -> dict[str, object]:
    """Give what is to be known of an image where it is carried to; no path of the machine that built it."""
    return asdict(replace(image, folder=""))


def unpack_carried(recipe: Recipe, name: str, cache: Path, carried: Path, run: Run) -> BuiltImage | None:
    """Take an image that was carried here as one docker-archive; its one layer is the tree's own tar.

    Parameters
    ----------
    carried : Path
        The folder with the images that were carried here, each with its archive and note.
    run : callable
        Starts a process as the measuring user.

    Raises
    ------
    EvaluationError
        The archive is damaged, or there is no room for it.
    """
    folder = folder_of(recipe.sha256, name, cache)
    source = noted_image(carried / folder.name)
    if source is None or source.under:
        return None
    here = replace(source, folder=str(folder))
    with changing(folder, run):
        if kept := kept_image(recipe, name, cache):  # by another clone, while we waited for it
            return kept
        must(run, ("rm", "-rf", str(folder)))
        must(run, ("mkdir", "-p", str(folder)))
        require_space(run, str(folder), 2 * here.tar_bytes, f"unpacking the image {name}")
        must(run, ("cp", source.archives.docker, str(folder)))
        layer = f"{here.tar_sha256}.tar"
        must(run, ("tar", "--extract", "--file", here.archives.docker, "--directory", str(folder), layer))
        must(run, ("mv", str(folder / layer), here.archives.tar))
        said = must(run, ("sha256sum", here.archives.tar)).stdout.decode()
        if not said.startswith(here.tar_sha256):
            raise EvaluationError(
                "the image that was carried here is damaged",
                where=source.archives.docker,
                advice="Unpack the kit again; './evaluate --verify' names what is not as it was made.",
            )
        must(run, ("tee", str(folder / "built.json")), stdin=json.dumps(asdict(here)).encode())
    return here


def build(
    recipe: Recipe, name: str, cache: Path, run: Run, ours: Run, under: BuiltImage | None = None
) -> BuiltImage:
    """Build the image, or take the one that is kept.

    Parameters
    ----------
    under : BuiltImage, optional
        The image whose layers this one lies on, where its recipe asks for a layer of its own.
    cache : Path
        The measuring user's.
    run : callable
        Starts a process as the measuring user.
    ours : callable
        Starts one as ourselves: pip is that of our own environment, which may be closed to the user.

    Raises
    ------
    EvaluationError
        A tool is missing, the disk is too full, a measurement uses the image, it is not known whether it is
        there, or a step failed; with the end of what it said.
    """

    def taken() -> BuiltImage | None:
        kept = kept_image(recipe, name, cache)
        return kept if kept and kept.under == (under.layers if under else ()) else None

    if kept := taken():
        return kept
    folder = folder_of(recipe.sha256, name, cache)
    if absent := [tool for tool in _TOOLS if not run(("which", tool), b"", 10.0).ok]:
        raise EvaluationError(
            f"the image cannot be built here: {', '.join(absent)} not found",
            where=f"image {name}",
            advice=f"Install {', '.join(absent)}, or copy a built {folder.name} into {folder.parent}.",
        )
    with changing(folder, run):
        if kept := taken():  # by another clone, while we waited for it
            return kept
        must(run, ("rm", "-rf", str(folder)))
        must(run, ("mkdir", "-p", str(folder)))
        require_space(run, str(folder), _COPIES * recipe.size_bytes, f"building the image {name}")
        started = time.monotonic()
        built = _tar(recipe, name, folder, run, ours)
        if under:
            built = _on_top(built, under, run, ours)
        _archive(built, recipe, run, under)
        built = replace(built, build_s=time.monotonic() - started, builder=_versions(run))
        must(run, ("tee", str(folder / "built.json")), stdin=json.dumps(asdict(built)).encode())
        return built


def _tar(recipe: Recipe, name: str, folder: Path, run: Run, ours: Run) -> BuiltImage:
    """Make the image's one layer."""
    raw = folder / "raw.tar"
    with _hands() as hands:
        hooks: tuple[str, ...] = ()
        if recipe.variant == "extract":
            hooks += (f'--extract-hook=ls "$1/var/cache/apt/archives" > "$1/{DEB_LIST}"',)
        if recipe.wheels:
            pack_wheels(fetch_wheels(recipe.wheels, hands, ours), hands / "tree.tar")
            compiled = f"python3 -m compileall -q --invalidation-mode unchecked-hash {PYTHON_PACKAGES}"
            hooks += (
                f"--customize-hook=tar-in {hands}/tree.tar /",
                f'--customize-hook=chroot "$1" {compiled}',
            )
        must(
            run,
            (
                "mmdebstrap", "--quiet", f"--variant={recipe.variant}", "--format=tar", *hooks,
                f"--include={','.join(recipe.packages)}", recipe.suite, str(raw), "-",
            ),
            stdin=f"deb {mirror(run)} {recipe.suite} main\n".encode(),
            env=(f"SOURCE_DATE_EPOCH={recipe.epoch}",),
        )  # fmt: skip
    # Our own hands write in a folder of our own: as root we would follow a link the user had put there.
    with _hands() as hands:
        tar = hands / "image.tar"
        require_space(ours, str(hands), recipe.size_bytes, f"building the image {name}")
        with opened_of(raw) as source:
            packages = normalise(source, tar, recipe)
        with tar.open("rb") as stream:
            tar_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        tar_bytes = tar.stat().st_size
        must(run, ("rm", str(raw)))
        must(run, ("cp", str(tar), str(folder)))
    return BuiltImage(
        name=name,
        recipe_sha256=recipe.sha256,
        tar_sha256=tar_sha256,
        tar_bytes=tar_bytes,
        build_s=0.0,
        packages=packages,
        wheels=tuple(sorted(f"{wheel.name}={wheel.version}" for wheel in recipe.wheels)),
        folder=str(folder),
    )


def _on_top(built: BuiltImage, under: BuiltImage, run: Run, ours: Run) -> BuiltImage:
    """Make the layer that turns the image below into this one, and leave its own whole tree as it is."""
    with _hands() as hands:
        tar = hands / "own.tar"
        require_space(ours, str(hands), built.tar_bytes, f"building the image {built.name}")
        with opened_of(Path(under.archives.tar)) as old, opened_of(Path(built.archives.tar)) as new:
            difference(old, new, tar)
        with tar.open("rb") as stream:
            own_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        must(run, ("cp", str(tar), built.folder))
    return replace(built, under=under.layers, own_sha256=own_sha256)


def _versions(run: Run) -> tuple[str, ...]:
    """Versions of the tools, as Debian's packages; nothing where they came another way."""
    said = run(("dpkg-query", "--show", "--showformat", "${Package}=${Version}\\n", *_TOOLS), b"", 30.0)
    return tuple(sorted(said.stdout.decode().split())) if said.ok else ()


@contextmanager
def _hands() -> Iterator[Path]:
    """Make a folder of our own that the measuring user can read."""
    with scratch_directory() as folder:
        folder.chmod(0o755)
        yield folder


def _archive(built: BuiltImage, recipe: Recipe, run: Run, under: BuiltImage | None) -> None:
    """Pack the layers as an image, with no time in it but the recipe's."""
    layout, docker = f"{built.folder}/oci", built.archives.docker
    created = datetime.fromtimestamp(recipe.epoch, UTC).isoformat().replace("+00:00", "Z")
    image = f"{layout}:image"
    if under:
        # The archive below is taken as it is, so that its layers stay the same bytes.
        below = ("skopeo", "--insecure-policy", "copy", "--quiet", f"docker-archive:{under.archives.docker}")
        must(run, (*below, f"oci:{image}"))
    else:
        must(run, ("umoci", "init", "--layout", layout))
        must(run, ("umoci", "new", "--image", image))
    layer = str(built.layer)
    must(run, ("umoci", "raw", "add-layer", "--image", image, "--history.created", created, layer))
    must(
        run,
        (
            "umoci", "config", "--image", image, "--created", created, "--history.created", created,
            "--config.env", f"PATH={recipe.path}", "--config.cmd", "/bin/sh",
        ),
    )  # fmt: skip
    must(
        run,
        (
            "skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{image}",
            f"docker-archive:{docker}:{built.archives.name}",
        ),
    )  # fmt: skip
    must(run, ("rm", "-rf", layout))


def opened_of(path: Path) -> BinaryIO:
    """Open a file that the measuring user has made in a folder of theirs.

    Where root measures as that user, root reads it: a link put in its place must not make root copy what
    only root may read. So the file must be the folder owner's own.
    """
    try:
        with HeldFolder(path.parent) as folder:
            return folder.open(path.name, owner=folder.owner)
    except OSError as error:
        raise EvaluationError(
            f"is not the file that was made there: {error.strerror}", where=str(path)
        ) from None


def mirror(run: Run) -> str:
    """Find the Debian mirror that this machine itself uses; it is never written down."""
    listed = must(
        run, ("apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages")
    ).stdout.decode()
    for line in listed.splitlines():
        label, _, uri = line.partition(" ")
        if label == "Debian":
            return uri
    raise EvaluationError(
        "no Debian mirror among apt's sources",
        where="image",
        advice="Run 'apt-get update' once, or build the image on a Debian machine and copy it here.",
    )
