"""Shifter, to the contract read off its setuid build (git 84b7d34), and run against that build.

Shifter drops characters it does not like from volume and image names, in silence: the adapter refuses
such names. Its options with optional arguments take ``=`` only. Every failure of its own is exit status
1, the same as a program's own 1: payloads write a sentinel.

Centres run images of their gateway: a squashfs, mounted read-only through a loop device. A user makes none;
the site's file names one. A user's own directory (``local:``) is another mode, with other verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from evaluation.model import Bind, Form, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime, unpacking

__all__ = ["RUNTIMES", "SETTINGS", "SITE_FILES", "Shifter", "configuration_path", "read_settings"]

# What Shifter keeps of a volume's path, less the colon that ends it.
_VOLUME = re.compile(r"[A-Za-z0-9_.+\-/]+")
# An absolute path without "." and "..", and the places in which Shifter mounts nothing for users.
_TARGET = re.compile(r"(/(?!\.{1,2}(/|$))[^/]+)+/?")
_FORBIDDEN = re.compile(r"/etc|/var(?!/tmp/?$)|/opt/?$|/opt/udiImage|/tmp(/|$)")
_SHADOWED = re.compile(r"/(srv|opt)(/|$)")
"""Sources that every image has itself: Shifter looks them up inside, and binds the image's in silence."""
_IMAGE = re.compile(r"(docker|custom|id|local):[A-Za-z0-9_:.+\-/@]+")

# What Shifter says when it fails itself, and what that means to whoever reads it.
_FAILURES = {
    "FAILED to find requested image.": "the image is not on this system: pull it with shifterimg",
    "FAILED to lookup docker image": "the image gateway does not know this image: pull it with shifterimg",
    "FAILED to lookup custom image": "there is no such image file",
    "FAILED to lookup id image": "there is no image of this id",
    "FAILED permission denied to image": "this user may not use the image",
    "FAILED to stat udi source.": "the image's directory cannot be reached",
    "FAILED to mount image on loop device.": "the image's squashfs could not be mounted",
    "FAILED to setup image.": "the container's root could not be set up",
    "FAILED to find real path for volume": "a volume's source is not visible in the container's own view",
    'FAILED to find volume "from"': "a volume's source is not visible in the container's own view",
    'FAILED "from" location': "Shifter does not permit a volume from there",
    'FAILED to create volume "to"': "a volume's target is not in the image and cannot be made",
    'FAILED to find volume "to"': "a volume's target is not in the image",
    "BIND MOUNT FAILED": "a volume could not be mounted",
    "Invalid Volume Map": "Shifter refuses this volume",
    "local chroot path requested, but this is disallowed": "the site does not permit directories as images",
    "FAILED to parse udiRoot configuration.": "Shifter's configuration cannot be read",
    "udiRoot.conf must be owned by user root!": "Shifter's configuration is not owned by root",
    "Not running with root privileges, will fail.": "the shifter command has lost its setuid bit",
    "Failed to lookup username or attempted to run as root.": "Shifter does not run for root",
}

SETTINGS: Final = (
    "imagePath",
    "siteFs",
    "etcPath",
    "allowLocalChroot",
    "populateEtcDynamically",
    "mountUdiRootWritable",
    "imageGateway",
    "defaultModules",
)
"""Keys of ``udiRoot.conf`` that decide what is seen inside and where images come from."""

SITE_FILES: Final = "etcFiles"
"""Under which `Runtime.settings` keeps the names of the files in ``etcPath``, where a site's own are used."""

_REPLACED: Final = ("etc/shadow", "etc/ssh")
"""It empties the one and leaves the image's other out (``shifter_core.c``), so that no user brings either."""

_NAMED_CONFIGURATION = re.compile(rb"/[\x21-\x7e]{0,255}/udiRoot\.conf\x00")
_SETTING = re.compile(r"^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")


def configuration_path(program: bytes) -> str:
    """Find where a build of Shifter looks for its configuration: the path is compiled in."""
    found = _NAMED_CONFIGURATION.search(program)
    return found[0][:-1].decode() if found else ""


def read_settings(text: str) -> dict[str, str]:
    """Read the keys of `SETTINGS` out of ``udiRoot.conf``; the last of a key counts, as Shifter reads it."""
    lines = (line for line in _CONTINUED.sub("", text).splitlines() if not line.lstrip().startswith("#"))
    found = {match[1]: match[2] for match in _SETTING.finditer("\n".join(lines))}
    return {key: found[key] for key in SETTINGS if key in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifter(Runtime):
    """``shifter --image=TYPE:TAG -- command``."""

    how_to_get: ClassVar[str] = (
        "Shifter is in no package registry: a centre builds it and its image gateway itself."
    )
    programs: ClassVar[tuple[tuple[str, str], ...]] = (("shifter", "shifter"),)
    builds_images: ClassVar[bool] = False
    knows_signatures: ClassVar[bool] = False
    tells_version: ClassVar[bool] = False
    takes_images: ClassVar[bool] = False
    configuration: ClassVar[Argv] = ("/etc/shifter/*.conf",)

    def argv(self, task: Task) -> Argv:
        """Build the command line, or refuse what Shifter would silently change."""
        if not _IMAGE.fullmatch(task.image):
            raise self.refuse(
                f"the image name {task.image!r} is not TYPE:TAG of the characters Shifter keeps",
                "TYPE is docker, custom, id or local; the rest of A-Z a-z 0-9 _ : . + - / @.",
            )
        if task.image.startswith("local:") and not task.image.startswith("local:/"):
            raise self.refuse(f"{task.image!r}: a local image needs an absolute path")
        if task.writable:
            raise self.refuse("it has no layer of a container's own that could be written")
        for key, value in task.env:
            if not value:
                raise self.refuse(f"the variable {key} is empty", "Shifter's --env takes no empty value.")
        return (
            *self.pinned(task),
            self.command,
            f"--image={task.image}",
            *self.options,
            *(self._volume(bind) for bind in task.binds),
            *(f"--env={key}={value}" for key, value in task.env),
            *((f"--workdir={task.workdir}",) if task.workdir else ()),
            "--",
            *task.argv,
        )

    def _volume(self, bind: Bind) -> str:
        for path in (bind.source, bind.target):
            if not _VOLUME.fullmatch(path):
                raise self.refuse(
                    f"the volume path {path!r} holds characters that Shifter drops in silence",
                    "Use only A-Z a-z 0-9 _ . + - and / in it.",
                )
        if not bind.source.startswith("/"):
            raise self.refuse(f"the volume source {bind.source!r} is not absolute")
        if _SHADOWED.match(bind.source):
            raise self.refuse(
                f"the volume source {bind.source!r} is looked up in the image, not on the host",
                "Use a folder below a path that the site exports (siteFs), or below the temporary folder.",
            )
        if not _TARGET.fullmatch(bind.target) or _FORBIDDEN.match(bind.target):
            raise self.refuse(
                f"Shifter refuses the volume target {bind.target!r}",
                "Use an existing directory of the image, or a new one directly under / or /opt.",
            )
        return f"--volume={bind.source}:{bind.target}" + (":ro" if bind.read_only else "")

    def version_argv(self) -> Argv:
        """Build ``shifter --help``: there is no version option, and this exits 0 when it is set up."""
        return (self.command, "--help")

    def parse_version(self, output: str) -> str:
        """Say that Shifter does not tell its version."""
        return "version not told by Shifter" if "usage" in output.lower() else "unknown"

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """Recognise Shifter's own messages: its exit status 1 alone proves nothing.

        The reason stands first on stderr; what follows are its consequences.
        """
        if exit_status == 0:
            return None
        for line in stderr.splitlines():
            for message, meaning in _FAILURES.items():
                if message in line:
                    return f"{meaning} ({message})"
        return None

    def replaced(self) -> Argv:
        """Name what Shifter never shows of an image, and what this site has files of its own for."""
        of_site = dict(self.settings).get(SITE_FILES, "").split()
        return (*_REPLACED, *(f"etc/{name}" for name in of_site))

    def prepare(self, archives: Archives, store: str) -> Preparation:  # noqa: ARG002 - a site keeps its own
        """Take the image that the site's file names: the gateway made it, and no user does."""
        name = archives.name.rpartition("/")[2].partition(":")[0]
        reference = dict(self.images).get(name, "")
        if not reference:
            raise self.refuse(
                f"its images come from the site's gateway, and the site's file names none for {name!r}",
                f"In sites/NAME.yaml: runtimes: {self.id}: images: {{{name}: 'docker:...' or 'id:...'}}.",
            )
        file = self._file(reference)
        return Preparation(
            reference=reference,
            steps=(),
            sizes=(("stat", "--dereference", "--format=%s", file) if file else ("true",),),
        )

    def _file(self, reference: str) -> str:
        """Find the squashfs of an image: ``imagePath`` holds it by its id; empty where that is not known."""
        kind, _, tag = reference.partition(":")
        settings: Mapping[str, str] = dict(self.settings)
        identity = tag if kind == "id" else settings.get(reference, "")
        folder = settings.get("imagePath", "")
        return f"{folder}/{identity}.squashfs" if identity and folder else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalShifter(Shifter):
    """``shifter --image=local:/directory``: a tree of the user's own in place of the site's images."""

    takes_images: ClassVar[bool] = True

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Unpack a tree."""
        tree = f"{store}/{self.id}"
        return Preparation(reference=f"local:{tree}", path=tree, steps=unpacking(archives, tree))


RUNTIMES = (
    Shifter(
        id="shifter",
        family="shifter",
        mode="setuid helper; an image of the site's gateway, a squashfs mounted read-only at each start",
        form=Form.SHIFTER,
        commands=("shifter",),
    ),
    LocalShifter(
        id="shifter-local",
        family="shifter",
        mode="setuid helper; a directory of the user's own as image (local:), not the site's images",
        form=Form.DIRECTORY,
        commands=("shifter",),
    ),
)
