"""Building the image offline, by a route that favours no runtime.

Debian's packages -> mmdebstrap -> one tar -> umoci and skopeo -> a docker-archive, which every engine
loads. No container engine takes part, and no root is needed. A built image is kept and used again until
its recipe changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from evaluation.errors import EvaluationError
from evaluation.images.recipe import Recipe
from evaluation.images.tarball import normalise
from evaluation.model import Completed
from evaluation.runtimes.base import Archives
from evaluation.scratch import scratch_directory

__all__ = ["BuiltImage", "Run", "build", "kept_image"]

Run = Callable[[Sequence[str], bytes, float], Completed]
"""``run(argv, stdin, timeout_s)``: starts a process as the measuring user and waits for it."""

_TOOLS = ("mmdebstrap", "umoci", "skopeo")
_DIGITS = 12
_STEP_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """A built image. ``tar_sha256`` is that of its one layer; sizes in bytes."""

    name: str
    recipe_sha256: str
    tar_sha256: str
    tar_bytes: int
    build_s: float
    packages: tuple[str, ...]
    folder: str

    @property
    def archives(self) -> Archives:
        """Its neutral archives."""
        return Archives(
            name=f"container-evaluation/{self.name}:{self.tar_sha256[:_DIGITS]}",
            tar=f"{self.folder}/image.tar",
            docker=f"{self.folder}/docker.tar",
        )


def build(recipe: Recipe, name: str, recipe_sha256: str, cache: Path, run: Run) -> BuiltImage:
    """Build the image, or take the one that is kept.

    Raises
    ------
    EvaluationError
        A tool is missing, or one of them failed; with the end of what it said.
    """
    folder = cache / "images" / f"{name}-{recipe_sha256[:_DIGITS]}"
    if kept := kept_image(folder):
        return kept
    if absent := [tool for tool in _TOOLS if not run(("which", tool), b"", 10.0).ok]:
        raise EvaluationError(
            f"the image cannot be built here: {', '.join(absent)} not found",
            where=f"image {name}",
            advice=f"Install {', '.join(absent)}, or copy a built {folder.name} into {folder.parent}.",
        )
    return _build(recipe, name, recipe_sha256, folder, run)


def kept_image(folder: Path) -> BuiltImage | None:
    """Read what was noted of a built image; nothing where the note is missing or half-written."""
    try:
        kept = json.loads((folder / "built.json").read_text())
        return BuiltImage(**{**kept, "packages": tuple(kept["packages"]), "folder": str(folder)})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _build(recipe: Recipe, name: str, recipe_sha256: str, folder: Path, run: Run) -> BuiltImage:
    started = time.monotonic()
    must(run, ("rm", "-rf", str(folder)))
    must(run, ("mkdir", "-p", str(folder)))
    raw, layout, docker = (str(folder / part) for part in ("raw.tar", "oci", "docker.tar"))
    must(
        run,
        (
            "mmdebstrap", "--quiet", "--variant=essential", "--format=tar",
            f"--include={','.join(recipe.packages)}", recipe.suite, raw, "-",
        ),
        stdin=f"deb {mirror(run)} {recipe.suite} main\n".encode(),
        env=(f"SOURCE_DATE_EPOCH={recipe.epoch}",),
    )  # fmt: skip
    # Our own hands write in a folder of our own: as root we would follow a link the user had put there.
    with scratch_directory() as ours:
        tar = ours / "image.tar"
        with opened_of(Path(raw)) as source:
            packages = normalise(source, tar, recipe)
        ours.chmod(0o755)
        with tar.open("rb") as stream:
            tar_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        tar_bytes = tar.stat().st_size
        must(run, ("cp", str(tar), str(folder)))
    built = BuiltImage(
        name=name,
        recipe_sha256=recipe_sha256,
        tar_sha256=tar_sha256,
        tar_bytes=tar_bytes,
        build_s=time.monotonic() - started,
        packages=packages,
        folder=str(folder),
    )
    created = datetime.fromtimestamp(recipe.epoch, UTC).isoformat().replace("+00:00", "Z")
    image = f"{layout}:image"
    must(run, ("umoci", "init", "--layout", layout))
    must(run, ("umoci", "new", "--image", image))
    must(
        run,
        ("umoci", "raw", "add-layer", "--image", image, "--history.created", created, built.archives.tar),
    )
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
    must(run, ("rm", "-rf", raw, layout))
    must(run, ("tee", str(folder / "built.json")), stdin=json.dumps(asdict(built)).encode())
    return built


def opened_of(path: Path) -> BinaryIO:
    """Open a file that the measuring user has made in a folder of theirs.

    Where root measures as that user, root reads it: a link put in its place must not make root copy what
    only root may read. So the file must be the folder owner's own.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != path.parent.lstat().st_uid:
        os.close(descriptor)
        raise EvaluationError("is not the file that was made there", where=str(path))
    return os.fdopen(descriptor, "rb")


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


def must(run: Run, argv: Sequence[str], *, stdin: bytes = b"", env: Sequence[str] = ()) -> Completed:
    """Run one step, and stop with the end of what it said when it fails."""
    done = run(("env", *env, *argv) if env else argv, stdin, _STEP_S)
    if done.evidence.timed_out:
        raise EvaluationError(f"{argv[0]} did not end within {_STEP_S:.0f} s", where="image")
    if not done.ok:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()[-8:]
        raise EvaluationError(
            f"{argv[0]} ended with {done.evidence.exit_status}:\n    "
            + "\n    ".join(without_addresses(line) for line in said),
            where="image",
        )
    return done


def without_addresses(text: str) -> str:
    """Leave download addresses out of a message: a mirror's may carry a password."""
    return re.sub(r"[a-z+]+://\S+", "<mirror>", text)
