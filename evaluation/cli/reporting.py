"""What decides and shows, from results that are there already: no container."""

from __future__ import annotations

import os
from pathlib import Path

import click

from evaluation import commands, reviewing
from evaluation.cli.base import criteria_option, main, results_option, runs_option, save, say, told


@main.command()
@results_option
@runs_option
@criteria_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to write it.  [default: RESULTS/report.html]"
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", *reviewing.FORMATS]),
    default="html",
    show_default=True,
    help="The page; or the answer alone for a pull request, a script, a spreadsheet (printed, or to OUTPUT).",
)
@told
def report(
    *, results: Path | None, runs: tuple[str, ...], criteria: Path | None, output: Path | None, form: str
) -> None:
    """Decide, and write the report from results that are there already.

    Needs no container and no network.
    """
    if form == "html":
        path = commands.report(results=results, runs=" ".join(runs), criteria=criteria, output=output)
        say(f"report: {os.path.relpath(path)}")
        return
    text = reviewing.decided(form, results=results, runs=" ".join(runs), criteria=criteria)
    if output is None:
        say(text, nl=False)
        return
    save(output, text)
    say(f"report: {os.path.relpath(output)}")


@main.command()
@click.argument("before", metavar="RUN")
@click.argument("after", metavar="RUN")
@results_option
@criteria_option
@told
def compare(*, before: str, after: str, results: Path | None, criteria: Path | None) -> None:
    """Say what changed from the first RUN to the second, as after a runtime's upgrade.

    Both are runs of one site, by name. A change is claimed only if it is tested, corrected for the number
    of comparisons, and larger than what the bare host differed from itself. Needs results only.
    """
    say(reviewing.compare(before, after, results=results, criteria=criteria))


@main.command()
@click.argument("report", type=click.Path(path_type=Path))
@results_option
@told
def verify(*, report: Path, results: Path | None) -> None:
    """Write REPORT again, from its results and the criteria it carries; fail where any character differs.

    The first difference is named. Needs the results that it was made from, and no container.
    """
    say(reviewing.verify(report, results=results))


@main.command()
@click.argument("names", nargs=-1, metavar="[PROBE]...")
@click.option(
    "--format",
    "form",
    type=click.Choice(commands.FINDINGS_FORMATS),
    default="csv",
    show_default=True,
    help="csv: a table; json: its rows; sarif: the security attempts in SARIF 2.1.0.",
)
@results_option
@runs_option
@criteria_option
@told
def findings(
    *, names: tuple[str, ...], form: str, results: Path | None, runs: tuple[str, ...], criteria: Path | None
) -> None:
    """Print the findings of results that are there already, for other tools.

    All of them, or those of some PROBEs, by id (cold_start) or by number in the checklist (P15).
    Needs no container and no network.
    """
    text = commands.findings(names, form=form, results=results, runs=" ".join(runs), criteria=criteria)
    say(text, nl=False)


@main.group()
def weights() -> None:
    """Look at the weights of criteria.yaml, change one, and see what that changes. Needs no container."""


@weights.command("show")
@click.argument("use_case", default="")
@results_option
@criteria_option
@told
def weights_show(*, use_case: str, results: Path | None, criteria: Path | None) -> None:
    """Show the weights by objective, and how far each may go before another leads.

    Needs no container; without results nothing is said of how far.
    """
    say(reviewing.weights_show(use_case, results=results, criteria=criteria))


@weights.command("set")
@click.argument("use_case")
@click.argument("points", nargs=-1, required=True, metavar="OBJECTIVE|CRITERION=POINTS...")
@click.option(
    "--reason",
    default="",
    show_default="the one that is there",
    help="Why, in a sentence: the comment beside them. A criterion without a weight so far needs one.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change; write nothing.")
@results_option
@criteria_option
@told
def weights_set(
    *,
    use_case: str,
    points: tuple[str, ...],
    reason: str,
    dry_run: bool,
    results: Path | None,
    criteria: Path | None,
) -> None:
    """Write weights into criteria.yaml, comments kept, and say what that changes and who leads.

    An objective is set by its one number, and moves its criteria in the proportions of the use case.

    Nothing is written unless the file stays valid. Needs no container.
    """
    say(
        reviewing.weights_set(
            use_case,
            reviewing.points(points),
            reason=reason,
            dry_run=dry_run,
            results=results,
            criteria=criteria,
        )
    )


@weights.command("diff")
@click.argument("other", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@results_option
@criteria_option
@told
def weights_diff(*, other: Path, results: Path | None, criteria: Path | None) -> None:
    """Say what would change with OTHER in place of criteria.yaml.

    OTHER is such as the report's what-if gives for download. Needs no container.
    """
    say(reviewing.weights_diff(other, results=results, criteria=criteria))


@main.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@results_option
@told
def compress(*, runs: tuple[str, ...], results: Path | None) -> None:
    """Compress complete runs where they lie: a seventh of the size, and verified as ever.

    RUN is a run, SITE/RUN, or a site for its newest run. Needs no container and no network.
    """
    say(reviewing.compress(runs, results=results))
