"""What click hands to a command is what its annotations say, and options are spelt alike everywhere."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from made_up_run import manifest

from evaluation import commands
from evaluation.cli import main
from evaluation.store import Run

SAMPLES = {
    "text": "word",
    "integer": "7",
    "integer range": "7",
    "float": "0.5",
    "float range": "0.5",
    "path": __file__,
    "file": __file__,
}


def walk(
    command: click.Command, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, with the words that call it."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from walk(inner, (*words, name))
    else:
        yield words, command


COMMANDS = dict(walk(main))
EACH = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def sample(parameter: click.Parameter) -> str:
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    return SAMPLES[parameter.type.name]


def call(command: click.Command, words: tuple[str, ...], *, everything: bool) -> dict[str, object]:
    """What the command's function would be given: with what must be said alone, or with all that can be."""
    said: list[str] = []
    for parameter in command.params:
        hidden = isinstance(parameter, click.Option) and parameter.hidden
        required = parameter.required or "[required]" in (getattr(parameter, "help", "") or "")
        if hidden or not (everything or required):
            continue
        if isinstance(parameter, click.Argument):
            said.append(sample(parameter))
        elif isinstance(parameter, click.Option):
            said += [parameter.opts[-1], *([] if parameter.is_flag else [sample(parameter)])]
    return command.make_context(" ".join(words), said).params


def fits(value: object, annotation: object) -> bool:
    """Whether a value is what an annotation says, as mypy takes it: no bool for an int."""
    origin = typing.get_origin(annotation)
    if origin in {typing.Union, types.UnionType}:
        return any(fits(value, part) for part in typing.get_args(annotation))
    if origin is tuple:
        item, rest = typing.get_args(annotation)
        assert rest is ...
        return isinstance(value, tuple) and all(fits(each, item) for each in value)
    assert isinstance(annotation, type)
    if annotation is Path:
        return isinstance(value, Path)
    return type(value) is annotation


@EACH
@pytest.mark.parametrize("everything", [False, True], ids=["least", "most"])
def test_a_command_is_given_what_its_annotations_say(words: tuple[str, ...], everything: bool) -> None:  # noqa: FBT001
    command = COMMANDS[words]
    assert command.callback is not None
    function = inspect.unwrap(command.callback)
    hints = {name: kind for name, kind in typing.get_type_hints(function).items() if name != "return"}
    given = call(command, words, everything=everything)
    assert set(given) == set(hints)
    wrong = {name: value for name, value in given.items() if not fits(value, hints[name])}
    assert wrong == {}, {name: hints[name] for name in wrong}


@EACH
def test_none_is_given_only_where_the_annotation_allows_it_and_nowhere_else(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    assert command.callback is not None
    hints = typing.get_type_hints(inspect.unwrap(command.callback))
    given = call(command, words, everything=False)
    may_be_none = {name for name, kind in hints.items() if name != "return" and fits(None, kind)}
    assert {name for name, value in given.items() if value is None} == may_be_none


@EACH
def test_every_option_says_what_it_is_for_and_what_holds_without_it(words: tuple[str, ...]) -> None:
    for option in COMMANDS[words].params:
        if not isinstance(option, click.Option) or option.hidden:
            continue
        text = option.help or ""
        assert text, f"{option.opts} has no help"
        told = option.show_default or "[default: " in text or "[required]" in text or option.required
        optional = option.is_flag or (option.multiple and option.opts[-1] in {"--hide", "--public"})
        assert told or optional, f"{option.opts} does not say what holds without it: {text!r}"


def test_one_name_means_one_thing_everywhere() -> None:
    kinds: dict[str, set[tuple[str, bool, bool]]] = {}
    for command in COMMANDS.values():
        for option in command.params:
            if isinstance(option, click.Option):
                for name in option.opts:
                    kinds.setdefault(name, set()).add((option.type.name, option.multiple, option.is_flag))
    kinds["--runtime"].discard(("choice", True, False))  # of two runtimes alone: calibrate security
    kinds["--format"].discard(("choice", False, False))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}
    assert kinds["--runtime"] == {("text", True, False)}


@pytest.mark.parametrize(
    ("words", "parameter", "values"),
    [
        (("run", "--runtimes", "docker podman"), "runtimes", ("docker", "podman")),
        (("run", "--runtime", "docker", "--runtimes", "podman docker"), "runtimes", ("docker", "podman")),
        (("conform", "--runtimes", "none"), "runtimes", ("none",)),
        (("sweep", "--runtimes", "docker"), "runtimes", ("docker",)),
        (("probe", "P15", "--runtimes", "docker podman"), "runtimes", ("docker", "podman")),
        (("calibrate", "security", "--runtimes", "docker,apptainer"), "runtimes", ("docker", "apptainer")),
        (("run", "--images", "xs small"), "ladder", ("xs", "small")),
        (("report", "--runs", "one,two"), "runs", ("one", "two")),
        (("findings", "--runs", "reference"), "runs", ("reference",)),
    ],
)
def test_the_old_spelling_works_and_says_so(
    words: tuple[str, ...], parameter: str, values: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    name = next(name for name in COMMANDS if words[: len(name)] == name)
    given = COMMANDS[name].make_context(" ".join(name), list(words[len(name) :])).params
    assert given[parameter] == values
    said = capsys.readouterr().err
    old = next(word for word in words if word in {"--runtimes", "--images", "--runs"})
    assert f"{old} still works; now it is {old.removesuffix('s')} " in said


def test_an_old_spelling_with_nothing_in_it_is_all_and_no_words_are_made_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = COMMANDS["run",].make_context("run", ["--runtimes", "", "--images", ""]).params
    assert (given["runtimes"], given["ladder"]) == ((), ())
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("words", [("probe", "P15"), ("calibrate", "security", "--runtimes", "shifter")])
def test_what_is_missing_or_is_no_choice_ends_with_2(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(main, list(words))
    assert told.exit_code == 2
    assert "--runtime" in told.output


def test_the_words_for_a_node_are_words_of_this_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sent: list[list[str]] = []

    def remember(_: object, words: list[str], results: Path) -> Path:
        sent.append(words)
        return Run.create(results, manifest()).path

    monkeypatch.setattr(commands, "goes_to_a_node", lambda _: True)
    monkeypatch.setattr(commands, "run_on_node", remember)
    options = ["--runtime", "docker", "--runtime", "podman", "--image", "xs", "--results", str(tmp_path)]
    assert CliRunner().invoke(main, ["run", *options]).exit_code == 0
    (words,) = sent
    given = COMMANDS["run",].make_context("run", words[1:]).params
    assert (given["runtimes"], given["ladder"]) == (("docker", "podman"), ("xs",))
    assert not {"--runtimes", "--images"} & set(words)
