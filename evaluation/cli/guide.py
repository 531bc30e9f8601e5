"""The guided way: what `./evaluate` of the kit runs when it is given no command."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evaluation import guiding
from evaluation.cli.base import main, runtime_option, say, told, user_option
from evaluation.cli.sites import agreement
from evaluation.steps import STEP_FAILED


@main.command()
@click.option(
    "--site", default="", metavar="NAME", help="Its name, which begins its file.  [default: asked for]"
)
@click.option(
    "--batch", default="", help="local, or the system to measure in a job of.  [default: asked for]"
)
@runtime_option("Only this runtime; may be repeated; 'none' for the bare host alone.  [default: asked for]")
@click.option("--profile", default="", help="trial, quick or full.  [default: asked for]")
@user_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="The archive.  [default: in the kit's folder]"
)
@click.option(
    "--yes", is_flag=True, help="Agree to what leaves without being asked; it is listed all the same."
)
@told
def guide(
    *,
    site: str,
    batch: str,
    runtimes: tuple[str, ...],
    profile: str,
    user: str,
    output: Path | None,
    yes: bool,
) -> None:
    """Measure a site step by step: a few questions, what is here, the measurement, one archive to send.

    Each question has a default, and an option that answers it; without a terminal the defaults are taken. An
    interrupted measurement is resumed. Needs what 'evaluation run' needs. Ends with 3 where a step failed.
    """

    def ask(question: str, default: str, option: str) -> str:
        if sys.stdin.isatty():
            return str(click.prompt(question, default=default)).strip()
        say(f"{question}: {default} ({option} says otherwise)")
        return default

    measured = guiding.guide(
        guiding.Answers(site=site, batch=batch, runtimes=runtimes, profile=profile),
        ask=ask,
        say=say,
        agreed=agreement("evaluation guide", yes=yes),
        user=user,
        output=output,
    )
    if measured.manifest.failed:
        sys.exit(STEP_FAILED)
