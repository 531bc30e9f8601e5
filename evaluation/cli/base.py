"""What all commands share: the group they belong to, options with one meaning, errors without a traceback."""

from __future__ import annotations

import errno
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from evaluation import __version__
from evaluation.errors import EvaluationError
from evaluation.files import FULL, write_atomically
from evaluation.terminal import visible

__all__ = [
    "criteria_option",
    "fail_with",
    "ladder_option",
    "main",
    "results_option",
    "runs_option",
    "runtime_option",
    "save",
    "say",
    "site_option",
    "told",
    "user_option",
]


P = ParamSpec("P")
R = TypeVar("R")
Command = TypeVar("Command", bound=Callable[..., Any])

_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR})
"""How the system says that a file or folder that a user named is not to be used so."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


def say(text: str, *, nl: bool = True, err: bool = False, fg: str | None = None) -> None:
    """Print as every command does: what strangers wrote cannot steer the terminal."""
    click.secho(visible(text), nl=nl, err=err, fg=fg)


def told(function: Callable[P, R]) -> Callable[P, R]:
    """Print what a user can act on without a traceback; anything else is ours, and keeps it.

    A batch system's notice (SIGTERM; Grid Engine's SIGUSR2) ends a command as Ctrl-C does: in good order.
    """

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        received: list[int] = []

        def end(number: int, _: object) -> None:
            received.append(number)
            logging.disable()  # what the libraries say of work that they had to drop is of no use to anybody
            raise KeyboardInterrupt

        before = {number: signal.signal(number, end) for number in ENDINGS}
        try:
            return function(*args, **kwargs)
        except EvaluationError as error:
            say(f"evaluation: {error}", err=True, fg="red")
            sys.exit(1)
        except OSError as error:
            if (problem := _problem(error)) is None:
                raise
            say(f"evaluation: {problem}", err=True, fg="red")
            sys.exit(1)
        except KeyboardInterrupt:
            say("evaluation: interrupted; what was measured is kept, run again to resume", err=True)
            sys.exit(128 + (received or [signal.SIGINT])[0])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    return wrapper


def _problem(error: OSError) -> str | None:
    """Say what is wrong with a disk or a file that was named; ``None`` where it may be our own fault."""
    if error.errno in FULL:
        place = f" ({error.filename})" if error.filename else ""
        return (
            f"the disk or the quota is full{place}: {error.strerror}\n"
            "  Make room, or name other folders: --results, and TMPDIR. What was measured is kept."
        )
    if error.errno in _CLOSED and error.filename:
        return (
            f"{error.filename}: {error.strerror}\n"
            "  Whoever runs this must be able to use it; or name another place."
        )
    return None


def save(path: Path, text: str) -> None:
    """Write what a command gives into a file that was named, whole or not at all; its folder is made."""
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path.absolute(), text)


def fail_with(faults: Sequence[str]) -> None:
    """End with 1 where there are faults, each told in a line of its own."""
    if not faults:
        return
    for fault in faults:
        say(f"evaluation: {fault}", err=True, fg="red")
    sys.exit(1)


site_option = click.option(
    "--site", default="local", show_default=True, metavar="NAME", help="A file in sites/, without .yaml."
)
results_option = click.option(
    "--results", type=click.Path(path_type=Path), help="Folder of the results.  [default: the project's]"
)
criteria_option = click.option(
    "--criteria", type=click.Path(path_type=Path), help="Another criteria.yaml.  [default: the project's]"
)


def repeated_option(
    name: str,
    parameter: str,
    *,
    old: str,
    metavar: str,
    about: str,
    required: bool = False,
    choices: Sequence[str] = (),
) -> Callable[[Command], Command]:
    """Make an option that is given once for each value; its old spelling, a list in one word, still works."""
    place = f"{__name__}{old}"
    kind = click.Choice(choices) if choices else click.STRING

    def remember(context: click.Context, option: click.Parameter, value: str | None) -> None:
        words = (value or "").replace(",", " ").split()
        if words:
            say(f"evaluation: {old} still works; now it is {name} {metavar}, once for each", err=True)
        context.meta[place] = tuple(kind.convert(word, option, context) for word in words)

    def all_of(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        values = tuple(dict.fromkeys((*values, *context.meta.get(place, ()))))
        if required and not values:
            raise click.MissingParameter(ctx=context, param=option)
        return values

    def decorate(function: Command) -> Command:
        hidden = click.option(
            old, f"old_{parameter}", hidden=True, is_eager=True, expose_value=False, callback=remember
        )
        shown = click.option(
            name, parameter, multiple=True, type=kind, metavar=metavar, callback=all_of, help=about
        )
        return shown(hidden(function))

    return decorate


def runtime_option(
    about: str, *, required: bool = False, choices: Sequence[str] = ()
) -> Callable[[Command], Command]:
    """Make the option that names runtimes, alike for every command."""
    return repeated_option(
        "--runtime",
        "runtimes",
        old="--runtimes",
        metavar="ID",
        about=about,
        required=required,
        choices=choices,
    )


ladder_option = repeated_option(
    "--image",
    "ladder",
    old="--images",
    metavar="NAME",
    about="Make this image ready; may be repeated.  [default: xs, small, and med where it is built]",
)
runs_option = repeated_option(
    "--run",
    "runs",
    old="--runs",
    metavar="RUN",
    about="A run by name, or 'reference'; may be repeated.  [default: the newest of each site]",
)
user_option = click.option(
    "--as",
    "user",
    default="",
    metavar="USER",
    help="Who runs the containers, when started as root.  [default: the set-up's user, or sudo's]",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Compare container runtimes on this machine, and write the decision report.

    Needs the project's folder as the working directory (or one below it).
    """
