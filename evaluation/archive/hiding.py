"""What must not leave a site, and what stands in its place.

Names of hosts and users, paths, network and mail addresses are replaced by keyed hashes: the same thing has
the same stand-in in every archive of a site, and nobody without the site's key can try guesses against it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from evaluation.archive.names import Private, here, pattern_of
from evaluation.errors import EvaluationError
from evaluation.kit import kit_folder

__all__ = ["Hider", "Private", "assert_may_leave", "here", "site_key"]

KEY = "archive.key"
"""The file of the site's key."""
_TAG = 10

_TREES: Final = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc",
    "/proc",
    "/sys",
    "/dev",
    "/payload",
    "/work",
)
"""Below these everybody's system has the same; only names of hosts and users are looked for there."""

_ELSEWHERE: Final = re.compile(r"^/proc/[^/]+/(root|cwd)/|/\.\.(/|$)")
"""A way out of those trees, into somebody's folders."""

_COMPONENTS: Final = frozenset(
    {
        *(
            "tmp",
            "home",
            "root",
            "run",
            "var",
            "lib",
            "cache",
            ".cache",
            "srv",
            "mark",
            "opt",
            "mnt",
            "media",
        ),
        *("user", "usr", "bin", "etc", "host", "payload", "probe", "work", "images", "forms", "storage"),
        *("container-evaluation", "docker", "docker.sock", "containerd", "containerd.sock", "podman"),
        *("podman.sock", "charliecloud", "apptainer", "apptainer.sif", "apptainer-sandbox", "docker-store"),
        "charliecloud-squashfs.sqfs",
        *("podman-store", "public", "root-only", "secret", "written", "changed", "canary"),
        *("container-evaluation-canaries", "helper", "lost+found", "ldconfig", "private"),
        *("systemd", "container", ".dockerenv", ".containerenv", ".singularity.d"),
    }
)
"""Parts of other paths that say nothing of a site. What is not here does not leave."""

_ENDS_A_SENTENCE: Final = ".,;:?!"
"""What stands after a path in a sentence, and is none of it."""

_DOMAINS: Final = (
    "edu|gov|org|com|net|int|mil|cern|fr|de|ch|uk|it|es|jp|cn|kr|ca|us|eu|se|nl|pl|cz|pt|gr|at|be|dk|fi|no|ie|il|"
    "tw|hk|sg|nz|mx|cl|ar|za|ru|br|au|hu|si|sk|ro|ee|lt|lv|bg|hr|ua|tr|ir|pk|th|vn|my|ph|kz|ge|by|lu|cy|mt|eg|ma|"
    "dz|tn|co|pe|ve|uy|ec|cr|cu|local|lan|internal|intern|localdomain|cluster|home"
)
"""Ends of the names of hosts and domains that are no ends of files."""

_LONG_DOMAINS: Final = (
    rf"(?:{_DOMAINS}|a[cdefgimoqswxz]|b[abdfhijmnostvwz]|c[cdfgikmvwx]|d[jmo]|e[rt]|f[jkmo]|g[adfgilmnpqsuwy]|h[mnt]|"
    r"i[dmnoqs]|j[emo]|k[eghimnpwy]|l[abciksvy]|m[cdeghklmnopqrsuvwz]|n[acefgipru]|om|p[afgnrsw]|qa|r[esw]|"
    r"s[abcdjlmnrstvxyz]|t[cdfgjklmotvz]|u[gz]|v[aciu]|w[fs]|y[et]|z[mw]|"
    r"info|science|cloud|network|systems|tech|xyz|online|arpa)"
)
"""Every country's, and more, where a name has three parts: ``node7.tifr.in``, not ``configure.in``.
Left out are those that end files of three parts, as ``.so``, ``.py`` and ``.sh``."""

_LABEL: Final = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"
_PATTERN: Final = "|".join(
    (
        r"(?P<mac>(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[:-]){5,19}[0-9A-Fa-f]{2}(?![0-9A-Za-z]))",
        r"(?P<mail>[A-Za-z0-9._%+-]+@(?!sha256:)[A-Za-z0-9][A-Za-z0-9.-]*)",
        r"(?P<path>(?<![A-Za-z0-9_.~])~?/+[^\s\"',;:()<>|\[\]{}=\\`]*)",
        r"(?P<six>(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![0-9A-Za-z:]))",
        r"(?P<four>(?<![\w.+~])\d{1,3}(?:\.\d{1,3}){3}(?![\w+~]|\.\d))",
        rf"(?P<domain>(?<![\w.-])(?:(?:{_LABEL}\.)+(?:{_DOMAINS})|(?:{_LABEL}\.){{2,}}{_LONG_DOMAINS})(?![\w-]|\.\w))",
    )
)


def site_key(path: Path | None = None) -> bytes:
    """Read the site's key, or make one that only its owner can read.

    Raises
    ------
    EvaluationError
        It can be neither read nor made, or is too short.
    """
    path = path or _usual_key()
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_hex(32) + "\n")
        key = path.read_bytes().strip()
    except OSError as error:
        raise EvaluationError(
            f"the key of the archives cannot be kept: {error.strerror}",
            where=str(path),
            advice="Name a file that you can write: --key FILE.",
        ) from None
    if len(key) < 32:
        raise EvaluationError(
            "is too short for a key", where=str(path), advice="Remove it; a new one is made."
        )
    return key


def assert_may_leave(site: str, private: Private, *, where: str) -> None:
    """Refuse the name of a site that is no secret, and yet could not leave.

    Raises
    ------
    EvaluationError
        It holds the name of a host or a user.
    """
    if held := Hider(key=b"", private=private).found_in(site):
        raise EvaluationError(
            f"{held!r} is the name of a host or a user here, which never leaves: no run of this site could "
            "be packed",
            where=where,
            advice=(
                "Name it after the site, not after a machine (the file in sites/ has the name). Where "
                f"everybody may know this one: evaluation run --site {site}, then evaluation site pack "
                f"--public {held}."
            ),
        )


def _usual_key() -> Path:
    if kit := kit_folder():
        return kit / KEY
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "container-evaluation" / KEY


@dataclass(slots=True, kw_only=True)
class Hider:
    """Replaces what must not leave, and counts it by kind."""

    key: bytes
    private: Private
    counts: Counter[str] = field(default_factory=Counter)
    _tags: dict[tuple[str, str], str] = field(default_factory=dict)
    _all: re.Pattern[str] = field(init=False)
    _names: re.Pattern[str] = field(init=False)
    _kinds: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._kinds = {
            word.lower(): kind
            for kind, words in (
                ("name", self.private.others),
                ("user", self.private.users),
                ("host", self.private.hosts),
            )
            for word in words
            if len(word) > 1  # one letter cannot be told from a letter
        }
        name = rf"(?P<name>(?<![A-Za-z0-9]){pattern_of(self._kinds)}(?![A-Za-z0-9]))"
        self._names = re.compile(name, re.IGNORECASE)
        self._all = re.compile(f"{_PATTERN}|{name}", re.IGNORECASE)

    def knowing(self, hosts: Iterable[str], users: Iterable[str]) -> Hider:
        """Give one that knows further names, as those that a run has seen; it counts anew."""
        return Hider(key=self.key, private=self.private.knowing(hosts, users))

    def counting_anew(self) -> Hider:
        """Give one that knows the same, and has replaced nothing yet."""
        fresh = copy(self)
        fresh.counts = Counter()
        return fresh

    def name(self, kind: str, name: str) -> str:
        """Give the stand-in of something that is a name and nothing else."""
        return self._tag(kind, name.lower()) if name else name

    def text(self, text: str) -> str:
        """Give a text without what must not leave."""
        return self._all.sub(self._replace, text)

    def keyed(self, kind: str, what: str) -> str:
        """Hash with the site's key, in full: for digests, which would let guesses be tried otherwise."""
        return hmac.new(self.key, f"{kind}\0{what}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def found_in(self, text: str) -> str:
        """Tell the first name of a host or a user that a text still has; empty for none."""
        found = self._names.search(text)
        return found[0] if found else ""

    def _tag(self, kind: str, what: str) -> str:
        self.counts[kind] += 1
        known = self._tags.get((kind, what))
        if known is None:
            known = self._tags[kind, what] = f"{kind}-{self.keyed(kind, what)[:_TAG]}"
        return known

    def _replace(self, found: re.Match[str]) -> str:
        text = found[0]
        match found.lastgroup:
            case "path":
                return self._path(text)
            case "six" | "four":
                return self._address(text)
            case "name":
                return self._tag(self._kinds[text.lower()], text.lower())
            case "mail":
                return self._tag("mail", text.lower())
            case "domain":
                return self._tag("host", text.lower())
            case _:
                return self._tag("mac", text.lower())

    def _address(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return self._names.sub(self._replace, text)  # a time of day, a version
        public = address.is_loopback or address.is_unspecified
        return text if public else self._tag("address", address.compressed)

    def _path(self, text: str) -> str:
        everywhere_alike = any(text == tree or text.startswith(f"{tree}/") for tree in _TREES)
        if everywhere_alike and not _ELSEWHERE.search(text):
            return f"/{self._all.sub(self._replace, text[1:])}"
        return "/".join(self._component(part) for part in text.split("/"))

    def _component(self, part: str) -> str:
        if not part or part == "~" or part in {".", ".."} or part.isdigit():
            return part
        name = part.rstrip(_ENDS_A_SENTENCE) or part
        kept = name if name in _COMPONENTS and not self.found_in(name) else self._tag("path", name)
        return kept + part[len(name) :]
