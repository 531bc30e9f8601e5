"""What people write and what is written from it: validate, docs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evaluation import commands
from evaluation.cli.base import main, say, told

ALL_WELL = "criteria, costs, inventory, scaling, sites, images and workloads are as they should be"


@main.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@told
def validate(*, path: Path | None) -> None:
    """Check all that people write (criteria.yaml, costs.yaml, sites/ ...): every fault, with its line.

    With PATH only that file, as criteria in place of the project's: such as the report's what-if gives for
    download. A knock-out that stands in the committed criteria and is gone is a warning, no fault. Needs
    nothing but these files, and git for the warning.
    """
    faults = commands.validate(path)
    for fault in faults:
        say(str(fault), err=True)
    for lost in commands.lost_vetoes(path):
        say(f"WARNING: {lost}", err=True)
    if faults:
        say(f"{len(faults)} fault{'s' * (len(faults) != 1)}", err=True)
        sys.exit(1)
    what = f"{path}: the criteria are as they should be" if path else ALL_WELL
    say(what)


@main.command()
@click.option("--check", is_flag=True, help="Only tell whether they are up to date.")
@told
def docs(*, check: bool) -> None:
    """Write what is generated: the probe catalogue, the JSON Schemas, the image descriptions.

    Needs nothing.
    """
    stale = commands.docs(check=check)
    for path in stale:
        say(f"{'out of date' if check else 'written'}: {path}")
    if check and stale:
        sys.exit(1)
