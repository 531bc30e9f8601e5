"""What people write and what is written from it: validate, docs."""

from __future__ import annotations

import sys

import click

from evaluation import commands
from evaluation.cli.base import main, say, told


@main.command()
@told
def validate() -> None:
    """Check all that people write (criteria.yaml, costs.yaml, sites/ ...): every fault, with its line.

    Needs nothing but these files.
    """
    if faults := commands.validate():
        for fault in faults:
            say(str(fault), err=True)
        say(f"{len(faults)} fault{'s' * (len(faults) != 1)}", err=True)
        sys.exit(1)
    say("criteria, costs, inventory, scaling, sites, images and workloads are as they should be")


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
