"""The names that must not leave: of this machine and its people, and those that a run itself has seen.

A directory need not list all accounts: so whatever was looked up while it was measured is kept beside the run
(`Run.note_names`), and what a batch system, ``hostname`` or ``id`` printed is read out of its transcripts.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice, product, zip_longest
from pathlib import Path
from typing import Final

from evaluation.kit import account_told, groups_told
from evaluation.store import Run

__all__ = ["Private", "domains_of", "here", "names_of", "names_of_uid", "pattern_of", "seen_in"]

_FIRST_PERSONAL: Final = 1000
_NOBODY: Final = 65534
_SHORTEST: Final = 2
"""A name of one letter cannot be told from a letter; it is left, and who packs is told."""

_PUBLIC: Final = frozenset(
    {
        *("", "root", "nobody", "nogroup", "users", "localhost", "localdomain"),
        *("ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters"),
        *("slurm", "munge", "sge", "sgeadmin", "condor", "docker", "podman", "apptainer", "singularity"),
        *("shifter", "charliecloud", "bubblewrap", "enroot", "podman-hpc", "sarus", "host", "vm"),
        *("none", "null", "unknown", "default", "defaultdepartment"),
    }
)
"""Accounts and names that machines have by their software or by their kind, and that say nothing of anybody.
What this project itself calls runtimes is among them: a host of such a name could pack nothing."""

_FOLDERS: Final = frozenset(
    {
        "home",
        "root",
        "user",
        "users",
        "nonexistent",
        "empty",
        "data",
        "work",
        "tmp",
        "var",
        "lib",
        "cache",
        "run",
    }
)
"""What a home folder may be called without naming anybody."""

_WORD: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_][\w.$-]*")
_BATCH: Final = re.compile(
    r"\b(?:sbatch|squeue|sacct|scontrol|scancel|sinfo|srun|qsub|qstat|qacct|qdel|qhost|condor_\w+)\b"
)
_HOSTS: Final = (
    re.compile(
        r"\b(?:(?:Req|Exc|Sched)?NodeList|BatchHost|NodeName|NodeHostName|NodeAddr|AllocNode:Sid|HOSTNAME|"
        r"SLURM\w*_NODE(?:LIST|NAME)|SLURMD_NODENAME|SLURM_SUBMIT_HOST|SGE_O_HOST|PBS_O_HOST)=([^\s:]+)"
    ),
)
_USERS: Final = (
    re.compile(r"\b(?:UserId|GroupId)=([^\s(]+)\("),
    re.compile(r"\b(?:SLURM_JOB_USER|SLURM_JOB_ACCOUNT|SGE_O_LOGNAME|LOGNAME|USER)=([^\s,;]+)"),
    re.compile(r"^([A-Za-z_][\w.-]*):[^:\s]*:\d{4,}:\d+:", re.MULTILINE),
)
_PERSONS: Final = re.compile(r"^[A-Za-z_][\w.-]*:[^:\s]*:\d{4,}:\d+:([^:,\n]+)[^:\n]*:", re.MULTILINE)
"""The fifth field of passwd(5)."""
_BY_ID: Final = re.compile(r"(\d+)\(([^)\s]+)\)")
"""As id(1) prints a number with its name."""
_TOLD_BY_A_JOB: Final = re.compile(r"^(?:node|host)=(\S+)$", re.MULTILINE)
_TOLD_BY_AN_ENGINE: Final = (
    re.compile(r"^(?:hostname|exec_host|submit_host)\s+(\S+)\s*$", re.MULTILINE),
    re.compile(r"\b[\w.]+\.q@([A-Za-z][\w.-]*)"),
    re.compile(r"\b(?:nodes?|hosts?|on|from|at)[ :]+([A-Za-z][A-Za-z-]*\d[\w.-]*)", re.IGNORECASE),
)
_USERS_TOLD_BY_AN_ENGINE: Final = (
    re.compile(r"^(?:owner|group|project|account)\s+(\S+)\s*$", re.MULTILINE),
    re.compile(r"\bAccount=([^\s,;]+)"),
)
_OWNER: Final = re.compile(r"^(?:/|file |folder ).* of (\S+)$")
_NUMBERS: Final = re.compile(r"\[([\d,-]+)\]")
_LIST: Final = re.compile(rf"(?<![\w.-])([A-Za-z][\w.-]*)(?:{_NUMBERS.pattern}[\w.-]*)+")
"""Many nodes as Slurm writes them: ``wn[01-03,7]``, ``rack[1-2]node[01-10]``."""
_MOST_OF_A_LIST: Final = 100_000

_Tree = dict[str, "_Tree"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """The names that are given away: of machines, and of the people on them."""

    hosts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    """Whatever else was named: a project, a machine id."""
    public: frozenset[str] = frozenset()
    """Words that may leave, although they are a name."""

    def knowing(self, hosts: Iterable[str] = (), users: Iterable[str] = ()) -> Private:
        """Add names, but those that everybody may know."""
        free = _PUBLIC | {word.lower() for word in self.public}

        def private(names: Iterable[str]) -> frozenset[str]:
            return frozenset(name for name in names if name.lower() not in free and _telling(name))

        full = {*hosts}
        known = full | {name.split(".")[0] for name in full}
        return replace(self, hosts=self.hosts | private(known), users=self.users | private(users))


def _telling(name: str) -> bool:
    return len(name) >= _SHORTEST and any(letter.isalpha() for letter in name)


def here(also: Iterable[str] = (), public: Iterable[str] = ()) -> Private:
    """Collect the names of this machine and of all who are listed as having an account on it.

    Parameters
    ----------
    also : iterable of str
        Further words that must not leave.
    public : iterable of str
        Words that may, although they are a host's or a user's name.
    """
    known = Private(others=frozenset({*also, *_names_in("/etc/machine-id")}), public=frozenset(public))
    hosts = {os.uname().nodename, *_names_in("/etc/hostname"), *_names_in("/etc/hosts"), *_searched()}
    users = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER")}
    for entry in pwd.getpwall():
        if _FIRST_PERSONAL <= entry.pw_uid != _NOBODY:
            users |= names_of(entry)
    users |= {group.gr_name for group in grp.getgrall() if _FIRST_PERSONAL <= group.gr_gid != _NOBODY}
    return known.knowing(hosts, users | names_of_uid(os.getuid()) | groups_told(_FIRST_PERSONAL))


def names_of_uid(uid: int) -> set[str]:
    """Look an account up by its number; it need not be listed."""
    try:
        return names_of(pwd.getpwuid(uid))
    except KeyError:
        told = account_told(uid)
        return names_of(told) if told else set()


def names_of(entry: pwd.struct_passwd) -> set[str]:
    """Give an account's name, that of its person, and that of its home folder where that is one."""
    home = Path(entry.pw_dir).name
    return {entry.pw_name, entry.pw_gecos.split(",")[0], "" if home in _FOLDERS else home}


def _names_in(path: str) -> set[str]:
    words = {word for line in _lines(path) for word in line.split("#")[0].split()}
    return {word for word in words if not re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*", word)}


def _searched() -> set[str]:
    """Domains in which this machine looks names up; of one part alone they say nothing."""
    rows = (line.split() for line in _lines("/etc/resolv.conf"))
    found = {word.strip(".") for row in rows if row[:1] in (["search"], ["domain"]) for word in row[1:]}
    return {name for name in found if "." in name}


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def seen_in(run: Run) -> tuple[set[str], set[str]]:
    """Read out of a run which hosts and which users were looked up or printed while it was measured."""
    hosts, users = ({*names} for names in run.names())
    users |= names_of_uid(run.path.stat().st_uid)
    users |= {found[1] for line in run.residue() or () if (found := _OWNER.match(line))}
    manifest = run.manifest
    hosts |= {job.node for job in (manifest.batch.jobs if manifest.batch else ())}
    hosts |= {str(item.value) for item in run.observations() if item.name in {"node", "share_node"}}
    outputs = {digest: data.decode(errors="replace") for digest, data in run.outputs().items()}
    for record in run.evidence().values():
        said = "\n".join(outputs.get(digest, "") for digest in (record.stdout, record.stderr))
        if record.argv and record.argv[0].rpartition("/")[2] == "hostname":
            hosts |= {*said.split()}
        if any(word.endswith(".facts") for word in record.argv):
            hosts |= {*_found((_TOLD_BY_A_JOB,), said)}
        if _BATCH.search(" ".join(record.argv)):
            hosts |= {*_found(_TOLD_BY_AN_ENGINE, said)}
            users |= {*_found(_USERS_TOLD_BY_AN_ENGINE, said)}
    for text in outputs.values():
        hosts |= {*_found(_HOSTS, text)}
        users |= {*_found(_USERS, text), *_PERSONS.findall(text), *_by_id(text)}
    stems = {found[1] for name in hosts if (found := _LIST.fullmatch(name))}
    every = (found for text in outputs.values() for found in _LIST.finditer(text))
    alike = {found[0] for found in every if found[1] in stems}  # as a queue lists other nodes of the site
    hosts |= {name for each in alike for name in (each, *_each_of(each))}
    domains = "|".join(re.escape(domain) for domain in domains_of(hosts))
    full = re.compile(rf"[\w-][\w.-]*\.(?:{domains})\b", re.IGNORECASE) if domains else None
    hosts |= {name for text in outputs.values() if full for name in full.findall(text)}
    return {name.rstrip(".,") for name in hosts}, users


def _found(patterns: Iterable[re.Pattern[str]], text: str) -> Iterator[str]:
    """Give each name; of lists of nodes (``wn[01-03,7],login1``) the lists too, as they are written.

    What all names of a list begin with is no name: it may be a word of everybody's, as in ``node[01-10]``.
    """
    for pattern in patterns:
        for found in pattern.findall(text):
            for each in _LIST.finditer(found):
                yield from (each[0], *_each_of(each[0]))
            rest = _LIST.sub("", found)
            yield from (name for name in {rest, *rest.split(",")} if _WORD.fullmatch(name))


def _by_id(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if "uid=" in line:
            yield from (name for number, name in _BY_ID.findall(line) if int(number) >= _FIRST_PERSONAL)


def _each_of(listed: str) -> Iterator[str]:
    """Give every node of a list."""
    texts, numbers = _NUMBERS.split(listed)[::2], _NUMBERS.findall(listed)
    for chosen in islice(product(*map(_counted, numbers)), _MOST_OF_A_LIST):
        yield "".join(chain.from_iterable(zip_longest(texts, chosen, fillvalue="")))


def _counted(numbers: str) -> list[str]:
    """Write out ``01-03,7``: a number has as many digits as the first of its range."""
    found: list[str] = []
    for part in numbers.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit():
            numbers_of = range(int(first), int(last or first) + 1)[: _MOST_OF_A_LIST - len(found)]
            found += [f"{number:0{len(first)}d}" for number in numbers_of]
    return found


def domains_of(hosts: Iterable[str]) -> set[str]:
    """Give the domains that full names of hosts lie in, of two parts and more."""
    found = {name.partition(".")[2] for name in hosts}
    return {domain.lower() for domain in found if "." in domain.strip(".")}


def pattern_of(words: Iterable[str]) -> str:
    """Write a regular expression for any of many words, which tries each letter once and not each word.

    A directory can list a hundred thousand names; tried one after the other they take hours.
    """
    tree: _Tree = {}
    for word in {word.lower() for word in words}:
        place = tree
        for letter in word:
            place = place.setdefault(letter, {})
        place[""] = {}
    return _written(tree) if tree else r"(?!)"


def _written(tree: _Tree) -> str:
    branches = []
    for first, after in tree.items():
        if first:
            text, below = re.escape(first), after
            while len(below) == 1 and "" not in below:  # no fork: no group
                ((letter, below),) = below.items()
                text += re.escape(letter)
            branches.append(text + ("" if list(below) == [""] else _written(below)))
    joined = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{joined})?" if "" in tree else joined
