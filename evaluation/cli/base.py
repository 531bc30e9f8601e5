"""What all commands share: the group they belong to, options with one meaning, errors without a traceback."""

from __future__ import annotations

import errno
import logging
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from evaluation import __version__
from evaluation.errors import EvaluationError

__all__ = [
    "criteria_option",
    "ladder_option",
    "main",
    "results_option",
    "runtimes_option",
    "site_option",
    "told",
    "user_option",
]


ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2)


def told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Print what a user can act on without a traceback; anything else is ours, and keeps it.

    A batch system's notice (SIGTERM; Grid Engine's SIGUSR2) ends a command as Ctrl-C does: in good order.
    """

    @wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        received: list[int] = []

        def end(number: int, _: object) -> None:
            received.append(number)
            logging.disable()  # what the libraries say of work that they had to drop is of no use to anybody
            raise KeyboardInterrupt

        before = {number: signal.signal(number, end) for number in ENDINGS}
        try:
            return function(*args, **kwargs)
        except EvaluationError as error:
            click.secho(f"evaluation: {error}", err=True, fg="red")
            sys.exit(1)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            place = f" ({error.filename})" if error.filename else ""
            click.secho(
                f"evaluation: the disk or the quota is full{place}: {error.strerror}\n"
                "  Make room, or name other folders: --results, and TMPDIR. What was measured is kept.",
                err=True,
                fg="red",
            )
            sys.exit(1)
        except KeyboardInterrupt:
            click.secho("evaluation: interrupted; what was measured is kept, run again to go on", err=True)
            sys.exit(128 + (received or [signal.SIGINT])[0])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    return wrapper


site_option = click.option(
    "--site", default="local", show_default=True, help="A file in sites/, without .yaml."
)
results_option = click.option(
    "--results", type=click.Path(path_type=Path), help="Folder of the results.  [default: the project's]"
)
criteria_option = click.option(
    "--criteria", type=click.Path(path_type=Path), help="Another criteria.yaml.  [default: the project's]"
)
runtimes_option = click.option(
    "--runtimes",
    default="",
    help="Only these, separated by spaces; 'none' for the bare host alone.  [default: all here]",
)
ladder_option = click.option(
    "--images",
    "ladder",
    default="",
    help="Images to make ready, by name.  [default: xs, small, and med where it is built]",
)
user_option = click.option(
    "--as", "user", default="", metavar="USER", help="Who runs the containers, when started as root."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Compare container runtimes on this machine, and write the decision report.

    Needs the project's folder as the working directory (or one below it).
    """
