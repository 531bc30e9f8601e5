"""What there is to run, and what was run: read from the command line itself, `make help` and the docs."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

Uses = dict[str, set[str]]
"""Commands (`evaluation run`, `make report`), each with its options or variables."""

_WALK = """
import json
import click
from evaluation.cli import main

def walk(command, words):
    subs = {}
    for name, sub in getattr(command, "commands", {}).items():
        same = next((other for other, known in command.commands.items() if known is sub), name)
        subs[name] = same if same != name else walk(sub, [*words, name])
    options = [
        [*parameter.opts, *parameter.secondary_opts]
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    return {"options": options, "commands": subs}

print(json.dumps(walk(main, [])))
"""


@dataclass(frozen=True, slots=True)
class Commands:
    """The tree of commands with their options, as click has them; an alias is the name that it stands for."""

    tree: dict[str, object]

    @classmethod
    def of(cls, python: Path, folder: Path) -> Commands:
        """Ask the project's own command line, in a process of its own."""
        told = subprocess.run(
            (python, "-I", "-c", _WALK), cwd=folder, capture_output=True, text=True, check=True
        )
        return cls(json.loads(told.stdout))

    def all(self) -> Uses:
        """Every command that does something, with every option that its help names."""
        found: Uses = {}

        def walk(node: dict[str, object], words: tuple[str, ...]) -> None:
            subs = node["commands"]
            assert isinstance(subs, dict)
            for name, sub in subs.items():
                if isinstance(sub, dict):
                    walk(sub, (*words, name))
            if not subs or len(words) == 1:
                options = node["options"]
                assert isinstance(options, list)
                found[" ".join(words)] = {_name(spellings) for spellings in options}

        walk(self.tree, ("evaluation",))
        return found

    def use(self, words: Iterable[str]) -> tuple[str, set[str]] | None:
        """The command that an argv names, and its options; nothing where it names none."""
        node, path, rest = self.tree, ["evaluation"], list(words)
        while rest and isinstance(subs := node["commands"], dict) and subs:
            sub = subs.get(rest[0])
            if isinstance(sub, str):
                rest[0] = sub
                continue
            if sub is None and path[-1] == "import" and not rest[0].startswith("-"):
                sub = subs["archive"]
                rest.insert(0, "archive")
            if not isinstance(sub, dict):
                break
            node = sub
            path.append(rest.pop(0))
        options = node["options"]
        assert isinstance(options, list)
        spelt = {word.partition("=")[0] for word in rest if word.startswith("-")}
        return " ".join(path), {_name(each) for each in options if spelt & set(each)}


def _name(spellings: list[str]) -> str:
    return max(spellings, key=len)


def make_use(words: Iterable[str]) -> Uses:
    """The targets that a `make` line names, each with the variables that were set for it."""
    rest = list(words)
    variables = {word.partition("=")[0] for word in rest if re.match(r"[A-Z_]+=", word)}
    return {f"make {word}": set(variables) for word in rest if re.fullmatch(r"[a-z-]+", word)}


def merged(uses: Iterable[Uses]) -> Uses:
    """All of them together."""
    whole: Uses = {}
    for each in uses:
        for command, options in each.items():
            whole.setdefault(command, set()).update(options)
    return whole


def named_in(text: str, commands: Commands) -> Uses:
    """Every command, option, target and variable that a document names in its code."""
    found: list[Uses] = []
    for line in _code(text):
        for each in _alternatives(line):
            words = each.split()
            for at, word in enumerate(words):
                if word.rpartition("/")[2] == "evaluation":
                    use = commands.use(words[at + 1 :])
                    if use and use[0] in commands.all() and (use[0] != "evaluation" or use[1]):
                        found.append({use[0]: use[1]})
                elif word == "./evaluate" and (use := commands.use(_guided(words[at + 1 :]))):
                    if use[0] in commands.all() and use[0] != "evaluation":
                        found.append({use[0]: use[1]})
                elif word == "make" and at + 1 < len(words):
                    found.append(make_use(words[at + 1 :]))
    return merged(found)


def _guided(words: list[str]) -> list[str]:
    """The kit's `./evaluate` without a command is `evaluation guide`; `lab` and `clean` are its own."""
    own = {"--help", "--version", "--verify"}
    return ["guide", *words] if not words or (words[0].startswith("-") and words[0] not in own) else words


def _code(text: str) -> list[str]:
    """Lines of code blocks and spans of code; comments and quotation marks taken off."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    spans = re.findall(
        r"(?<!`)`([^`]+)`(?!`)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    quoted = (re.sub(r"(\"[^\"]*\"|'[^']*')", "X", each) for each in [*lines, *spans])
    return [re.sub(r"[\[\]]", " ", re.sub(r"(^|\s)#\s.*", "", each)) for each in quoted]


def _alternatives(line: str) -> list[str]:
    r"""`images ledger\|diff` is two commands."""
    found = re.search(r"(\S+(?:\\?\|\S+)+)", line)
    if found is None:
        return [line]
    return [line.replace(found[1], word) for word in re.split(r"\\?\|", found[1])]
