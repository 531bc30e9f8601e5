"""What must not leave a site, and what stands in its place.

Names of hosts and users, paths, network and mail addresses are replaced by keyed hashes: the same thing has
the same stand-in in every archive of a site, and nobody without the site's key can try guesses against it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import os
import pwd
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from evaluation.errors import EvaluationError

__all__ = ["Hider", "Private", "here", "site_key"]

_FIRST_PERSONAL_UID = 1000
_NOBODY = 65534
_SHORTEST = 2
"""A name of one letter cannot be told from a letter; it is left, and who packs is told."""

_MOST_ACCOUNTS = 5_000
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
        *("podman-store", "public", "root-only", "secret", "written", "changed", "canary"),
    }
)
"""Parts of other paths that say nothing of a site. What is not here does not leave."""

_PUBLIC: Final = frozenset(
    {
        *("", "root", "localhost", "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters"),
        *("slurm", "munge", "sgeadmin", "condor", "docker", "podman", "apptainer", "singularity", "shifter"),
        *("charliecloud", "host", "vm"),
    }
)
"""Accounts and names that machines have by their software or by their kind, and that say nothing of anybody.
What this project itself calls runtimes is among them: a host of such a name could pack nothing."""

_DOMAINS: Final = (
    "edu|gov|org|com|net|int|mil|fr|de|ch|uk|it|es|jp|cn|kr|ca|us|eu|se|nl|pl|cz|pt|gr|at|be|dk|fi|no|ie|il|"
    "tw|hk|sg|nz|mx|cl|ar|za|ru|br|au|local|lan|internal|intern|localdomain|cluster|home"
)
_PATTERN: Final = "|".join(
    (
        r"(?P<mac>(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[:-]){5,19}[0-9A-Fa-f]{2}(?![0-9A-Za-z]))",
        r"(?P<mail>[A-Za-z0-9._%+-]+@(?!sha256:)[A-Za-z0-9][A-Za-z0-9.-]*)",
        r"(?P<path>(?<![A-Za-z0-9_.~])~?/+[^\s\"',;:()<>|\[\]{}=\\`]*)",
        r"(?P<six>(?<![0-9A-Za-z:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![0-9A-Za-z:]))",
        r"(?P<four>(?<![\w.+~])\d{1,3}(?:\.\d{1,3}){3}(?![\w+~]|\.\d))",
        rf"(?P<domain>(?<![\w.-])(?:[A-Za-z0-9][A-Za-z0-9-]{{0,62}}\.)+(?:{_DOMAINS})(?![\w-]|\.\w))",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """The names that this machine gives away: of itself, and of the people on it."""

    hosts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    """Whatever else was named: a project, a machine id."""


def here(also: Iterable[str] = (), public: Iterable[str] = ()) -> Private:
    """Collect the names of this machine and of the people who have an account on it.

    Parameters
    ----------
    also : iterable of str
        Further words that must not leave.
    public : iterable of str
        Words that may, although they are a host's or a user's name.
    """
    free = {word.lower() for word in public}
    hosts = {os.uname().nodename, *_names_in("/etc/hostname"), *_names_in("/etc/hosts")}
    hosts |= {name.split(".")[0] for name in hosts}
    users = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    for count, entry in enumerate(pwd.getpwall()):
        if count < _MOST_ACCOUNTS and (_FIRST_PERSONAL_UID <= entry.pw_uid != _NOBODY):
            users |= {entry.pw_name, entry.pw_gecos.split(",")[0]}
    with contextlib.suppress(KeyError):  # a user may have no entry here, and is a number then
        own = pwd.getpwuid(os.getuid())
        users |= {own.pw_name, own.pw_gecos.split(",")[0], Path(own.pw_dir).name}
    return Private(
        hosts=frozenset(name for name in hosts if name.lower() not in free | _PUBLIC),
        users=frozenset(name for name in users if name.lower() not in free | _PUBLIC),
        others=frozenset({*also, *_names_in("/etc/machine-id")}),
    )


def _names_in(path: str) -> set[str]:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    words = {word for line in text.splitlines() for word in line.split("#")[0].split()}
    return {word for word in words if not re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*", word)}


def site_key(path: Path | None = None) -> bytes:
    """Read the site's key, or make one that only its owner can read.

    Raises
    ------
    EvaluationError
        It can be neither read nor made, or is too short.
    """
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    path = path or config / "container-evaluation" / "archive.key"
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
            if len(word) >= _SHORTEST
        }
        longest_first = sorted(self._kinds, key=lambda word: (-len(word), word))
        names = "|".join(re.escape(word) for word in longest_first) or r"(?!)"
        name = rf"(?P<name>(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9]))"
        self._names = re.compile(name, re.IGNORECASE)
        self._all = re.compile(f"{_PATTERN}|{name}", re.IGNORECASE)

    def knowing(self, hosts: Iterable[str]) -> Hider:
        """Give one that knows further hosts, as those that a run says it was measured on; it counts anew."""
        more = frozenset(name for host in hosts for name in (host, host.split(".")[0]))
        known = replace(self.private, hosts=self.private.hosts | (more - _PUBLIC))
        return Hider(key=self.key, private=known)

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
        return part if part in _COMPONENTS and not self.found_in(part) else self._tag("path", part)
