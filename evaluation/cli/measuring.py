"""What measures: a run, one question, a sweep, calibrations."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from evaluation import commands
from evaluation.cli.base import (
    fail_with,
    ladder_option,
    main,
    results_option,
    runtime_option,
    say,
    site_option,
    told,
    user_option,
)
from evaluation.measure.conformance import shortcomings
from evaluation.measure.knobs import CALIBRATED
from evaluation.steps import STEP_FAILED
from evaluation.store import Run


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print an object for scripts.")
@click.option("--all", "everything", is_flag=True, help="At any length: every check, every mode.")
@site_option
@told
def doctor(*, as_json: bool, everything: bool, site: str) -> None:
    """Tell in one screen what is here, what cannot be measured and why, and what to do about it.

    Needs nothing; changes nothing: what it starts in each runtime, it removes again.
    """
    checkup = commands.doctor(site, everything=everything)
    told_here = checkup.as_json() if as_json else checkup.as_text(everything=everything)
    say(told_here if isinstance(told_here, str) else json.dumps(told_here, indent=2))


@main.command()
@site_option
@click.option(
    "--profile",
    default="quick",
    show_default=True,
    help="quick; full: as long as precision needs; trial: a minute or two, to see that everything works.",
)
@runtime_option("Only this runtime; may be repeated; 'none' for the bare host alone.  [default: all here]")
@results_option
@user_option
@ladder_option
@click.option("--fresh", is_flag=True, help="Begin a new run even if an interrupted one could be resumed.")
@click.option(
    "--if-needed", is_flag=True, help="Do nothing where this machine, as it is, was measured already."
)
@told
def run(
    *,
    site: str,
    profile: str,
    runtimes: tuple[str, ...],
    results: Path | None,
    user: str,
    ladder: tuple[str, ...],
    fresh: bool,
    if_needed: bool,
) -> None:
    """Measure this machine by executing the notebooks; an interrupted run is resumed.

    A site whose file names a batch system is measured in a job on one of its nodes: docs/batch.md.

    Needs the runtimes that are to be measured, a C compiler for the payload, and for building the image
    mmdebstrap, umoci and skopeo. Nothing is installed. Ends with 3 where a step failed: the others were
    taken, and a report can be made of them.
    """
    path = commands.run(
        site=site,
        profile=profile,
        runtimes=" ".join(runtimes),
        results=results,
        user=user,
        ladder=" ".join(ladder),
        fresh=fresh,
        if_needed=if_needed,
    )
    say(f"measured: {os.path.relpath(path)}")
    if Run(path).manifest.failed:
        sys.exit(STEP_FAILED)


@main.command()
@site_option
@runtime_option("Only this runtime, and the bare host; may be repeated.  [default: all here that are ranked]")
@click.option(
    "--max",
    "most",
    type=click.IntRange(min=1),
    default=32,
    show_default=True,
    help="The most containers to start at once.",
)
@click.option(
    "--probe",
    "probes",
    multiple=True,
    type=click.Choice(["start", "import"]),
    help="What each one does: start, or import Python modules too; may be repeated.  [default: start]",
)
@click.option(
    "--repeats",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    help="How often each level is repeated.",
)
@click.option(
    "--budget",
    type=click.FloatRange(min=0.0),
    default=0.0,
    help="Seconds after which no level is repeated.  [default: no end]",
)
@click.option(
    "--nodes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Spread each level over this many nodes of the site's batch system.",
)
@click.option("--fresh", is_flag=True, help="Begin anew even if an interrupted sweep could be resumed.")
@results_option
@user_option
@told
def sweep(
    *,
    site: str,
    runtimes: tuple[str, ...],
    most: int,
    probes: tuple[str, ...],
    repeats: int,
    budget: float,
    nodes: int,
    fresh: bool,
    results: Path | None,
    user: str,
) -> None:
    """Start 1, 2, 4 and up to MAX containers at once, and find where more are of no use, or break something.

    Runtimes take turns. A runtime is stopped at the first distress of the host: little memory, everything
    waiting for memory, failures. All that was started is ended, even if this is killed; an interrupted sweep
    is resumed. With --nodes each width is taken on one node, and spread over all of them at once.
    The report shows the widest sweep of each site. Needs what 'evaluation run' needs.
    """
    say(
        commands.sweep(
            site=site,
            runtimes=runtimes,
            most=most,
            probes=probes or ("start",),
            repeats=repeats,
            budget_s=budget,
            nodes=nodes,
            fresh=fresh,
            results=results,
            user=user,
        )
    )


@main.command()
@click.argument("name", metavar="PROBE")
@runtime_option(
    "The runtime to ask, by its id as evaluation doctor lists it; may be repeated.  [required]", required=True
)
@click.option(
    "--blocks", type=click.IntRange(min=1), default=5, show_default=True, help="Blocks of a measured probe."
)
@click.option("--show", is_flag=True, help="Print every command with what it printed.")
@site_option
@user_option
@told
def probe(*, name: str, runtimes: tuple[str, ...], blocks: int, show: bool, site: str, user: str) -> None:
    """Ask one question of a runtime and of the bare host; nothing is kept.

    PROBE is its id (cold_start) or its number in the checklist (P15). Ends with 1 where a runtime gave no
    answer. Needs that runtime.
    """
    text, faults = commands.probe(name, runtimes=runtimes, blocks=blocks, show=show, site=site, user=user)
    say(text)
    fail_with(faults)


@main.group()
def calibrate() -> None:
    """Find out what this machine, and the security checklist, can tell apart, before anything is claimed.

    Needs no container runtime for 'timing', and Docker or Apptainer for 'security'.
    """


@calibrate.command()
@site_option
@click.option(
    "--blocks",
    type=click.IntRange(min=0),
    default=0,
    help="How many blocks to take.  [default: 60, or what 15 minutes allow]",
)
@results_option
@user_option
@told
def timing(*, site: str, blocks: int, results: Path | None, user: str) -> None:
    """Hold the bare host against itself: noise, false positives, and how many blocks a claim needs.

    Needs no container runtime. The run is kept in the results, and no decision is made from it. Ends with 1
    where a probe broke or nothing was measured.
    """
    text, faults = commands.calibrate_timing(site=site, blocks=blocks, results=results, user=user)
    say(text)
    fail_with(faults)


@calibrate.command()
@click.argument("attempts", nargs=-1)
@site_option
@runtime_option(
    f"Only the flags of this runtime, {' or '.join(CALIBRATED)}, and no other; may be repeated.  "
    "[default: all of them, and all runtimes here as they are]",
    choices=CALIBRATED,
)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="Turns of every attempt on every runtime.",
)
@results_option
@user_option
@told
def security(
    *,
    attempts: tuple[str, ...],
    site: str,
    runtimes: tuple[str, ...],
    repeats: int,
    results: Path | None,
    user: str,
) -> None:
    """Calibrate the security checklist: which flag of Docker and Apptainer flips which attempt.

    Every attempt is made with one more flag at a time, and with one that changes nothing; then again on
    every runtime as it is. ATTEMPTS are ids (P15, setuid_planting); without any, all. Flags that did
    not start are listed. Ends with 1 where what was asked for is not here or broke, the null flips something,
    or a verdict is not repeated. Needs Docker or Apptainer. Takes an hour on two cores; an interrupted
    calibration of all attempts is resumed.
    """
    text, faults = commands.calibrate_security(
        attempts, site=site, runtimes=runtimes, repeats=repeats, results=results, user=user
    )
    say(text)
    fail_with(faults)


@main.command()
@site_option
@runtime_option("Only this runtime; may be repeated; 'none' for the bare host alone.  [default: all here]")
@user_option
@told
def conform(*, site: str, runtimes: tuple[str, ...], user: str) -> None:
    """Check that the runtimes here do what this tool takes for granted; nothing is kept.

    Exit statuses, signals, streams, binds, environment, time limits: some twenty checks of every runtime,
    a quarter of a minute for the slowest. Ends with 1 where one deviates, or what was asked for is not here.
    Needs what 'evaluation run' needs.
    """
    results = []
    for result in commands.conform(site=site, runtimes=runtimes, user=user):
        results.append(result)
        say(f"{result.runtime:<18} {result.check:<26} {result.outcome:<12} {result.message}")
    fail_with(shortcomings(results, runtimes))
