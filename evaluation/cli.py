"""The command line: ``evaluation COMMAND``."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from evaluation import __version__, commands, releasing, reviewing, sending, sitework
from evaluation.errors import EvaluationError
from evaluation.units import quantity

__all__ = ["main"]


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


_site = click.option("--site", default="local", show_default=True, help="A file in sites/, without .yaml.")
_results = click.option(
    "--results", type=click.Path(path_type=Path), help="Folder of the results.  [default: the project's]"
)
_criteria = click.option(
    "--criteria", type=click.Path(path_type=Path), help="Another criteria.yaml.  [default: the project's]"
)
_runtimes = click.option(
    "--runtimes",
    default="",
    help="Only these, separated by spaces; 'none' for the bare host alone.  [default: all here]",
)
_ladder = click.option(
    "--images",
    "ladder",
    default="",
    help="Images to make ready, by name.  [default: xs, small, and med where it is built]",
)
_user = click.option(
    "--as", "user", default="", metavar="USER", help="Who runs the containers, when started as root."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Compare container runtimes on this machine, and write the decision report.

    Needs the project's folder as the working directory (or one below it).
    """


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print an object for scripts.")
@_site
@told
def doctor(*, as_json: bool, site: str) -> None:
    """Tell what is here, what cannot be measured and why, and what to do about it.

    Needs nothing; changes nothing.
    """
    checkup = commands.doctor(site)
    click.echo(json.dumps(checkup.as_json(), indent=2) if as_json else checkup.as_text())


@main.command()
@told
def validate() -> None:
    """Check all that people write (criteria.yaml, costs.yaml, sites/ ...): every fault, with its line.

    Needs nothing but these files.
    """
    if faults := commands.validate():
        for fault in faults:
            click.echo(str(fault), err=True)
        click.echo(f"{len(faults)} fault{'s' * (len(faults) != 1)}", err=True)
        sys.exit(1)
    click.echo("criteria, costs, inventory, scaling, sites, images and workloads are as they should be")


@main.command()
@_site
@click.option(
    "--profile",
    default="quick",
    show_default=True,
    help="quick; full: as long as precision needs; trial: a minute or two, to see that everything works.",
)
@_runtimes
@_results
@_user
@_ladder
@click.option(
    "--fresh", is_flag=True, help="Begin a new run even if an interrupted one could be gone on with."
)
@click.option(
    "--if-needed", is_flag=True, help="Do nothing where this machine, as it is, was measured already."
)
@told
def run(
    *,
    site: str,
    profile: str,
    runtimes: str,
    results: Path | None,
    user: str,
    ladder: str,
    fresh: bool,
    if_needed: bool,
) -> None:
    """Measure this machine by executing the notebooks; an interrupted run is gone on with.

    A site whose file names a batch system is measured in a job on one of its nodes: docs/batch.md.

    Needs the runtimes that are to be measured, a C compiler for the payload, and for building the image
    mmdebstrap, umoci and skopeo. Nothing is installed.
    """
    path = commands.run(
        site=site,
        profile=profile,
        runtimes=runtimes,
        results=results,
        user=user,
        ladder=ladder,
        fresh=fresh,
        if_needed=if_needed,
    )
    click.echo(f"measured: {os.path.relpath(path)}")


@main.command()
@_results
@click.option("--runs", default="", help="Runs by name, or 'reference'.  [default: the newest of each site]")
@_criteria
@click.option("--output", type=click.Path(path_type=Path), help="[default: RESULTS/report.html]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", *reviewing.FORMATS]),
    default="html",
    show_default=True,
    help="The page; or the answer alone for a pull request, a script, a spreadsheet (printed, or to OUTPUT).",
)
@told
def report(*, results: Path | None, runs: str, criteria: Path | None, output: Path | None, form: str) -> None:
    """Decide, and write the report from results that are there already.

    Needs no container and no network.
    """
    if form == "html":
        path = commands.report(results=results, runs=runs, criteria=criteria, output=output)
        click.echo(f"report: {os.path.relpath(path)}")
        return
    text = reviewing.decided(form, results=results, runs=runs, criteria=criteria)
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"report: {os.path.relpath(output)}")


@main.command()
@click.argument("before", metavar="RUN")
@click.argument("after", metavar="RUN")
@_results
@_criteria
@told
def compare(*, before: str, after: str, results: Path | None, criteria: Path | None) -> None:
    """Say what changed from the first RUN to the second, as after a runtime's upgrade.

    Both are runs of one site, by name. A change is claimed only if it is tested, corrected for the number
    of comparisons, and larger than what the bare host differed from itself. Needs results only.
    """
    click.echo(reviewing.compare(before, after, results=results, criteria=criteria))


@main.command()
@click.argument("report", type=click.Path(path_type=Path))
@_results
@told
def verify(*, report: Path, results: Path | None) -> None:
    """Decide the answer of REPORT again, from its results and the criteria it carries; fail if it differs.

    Needs the results that it was made from, and no container.
    """
    click.echo(reviewing.verify(report, results=results))


@main.group()
def weights() -> None:
    """Look at the weights of criteria.yaml, change one, and see what that changes. Needs no container."""


@weights.command("show")
@click.argument("use_case", default="")
@_results
@_criteria
@told
def weights_show(*, use_case: str, results: Path | None, criteria: Path | None) -> None:
    """Show the weights by group, and how far each may go before another leads.

    Needs no container; without results nothing is said of how far.
    """
    click.echo(reviewing.weights_show(use_case, results=results, criteria=criteria))


@weights.command("set")
@click.argument("use_case")
@click.argument("points", nargs=-1, required=True, metavar="CRITERION|GROUP=POINTS...")
@_results
@_criteria
@told
def weights_set(
    *, use_case: str, points: tuple[str, ...], results: Path | None, criteria: Path | None
) -> None:
    """Write weights into criteria.yaml, comments kept, and say what that changes.

    A group of `weight_groups` is set by its one number, and moves its criteria in its proportions.

    Nothing is written unless the file stays valid. Needs no container.
    """
    click.echo(reviewing.weights_set(use_case, reviewing.points(points), results=results, criteria=criteria))


@weights.command("diff")
@click.argument("other", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_results
@_criteria
@told
def weights_diff(*, other: Path, results: Path | None, criteria: Path | None) -> None:
    """Say what would change with OTHER in place of criteria.yaml.

    OTHER is such as the report's what-if gives for download. Needs no container.
    """
    click.echo(reviewing.weights_diff(other, results=results, criteria=criteria))


@main.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@_results
@told
def pack(*, runs: tuple[str, ...], results: Path | None) -> None:
    """Pack complete runs, to keep or to send them: a seventh of the size, and verified as ever.

    RUN is a run, SITE/RUN, or a site for its newest run. Needs no container and no network.
    """
    click.echo(reviewing.pack(runs, results=results))


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
@_results
@click.option("--runs", default="", help="Runs by name, or 'reference'.  [default: the newest of each site]")
@click.option(
    "--criteria", type=click.Path(path_type=Path), help="Another criteria.yaml.  [default: the project's]"
)
@told
def findings(
    *, names: tuple[str, ...], form: str, results: Path | None, runs: str, criteria: Path | None
) -> None:
    """Print the findings of results that are there already, for other tools.

    All of them, or those of some PROBEs, by id (cold_start) or by number in the checklist (P15).
    Needs no container and no network.
    """
    text = commands.findings(names, form=form, results=results, runs=runs, criteria=criteria)
    click.echo(text, nl=False)


@main.command()
@click.argument("name", metavar="PROBE")
@click.option("--runtime", required=True, help="By id, as evaluation doctor lists them.")
@click.option("--blocks", default=5, show_default=True, help="Blocks of a measured probe.")
@click.option("--show", is_flag=True, help="Print every command with what it printed.")
@_site
@_user
@told
def probe(*, name: str, runtime: str, blocks: int, show: bool, site: str, user: str) -> None:
    """Ask one question of one runtime and of the bare host; nothing is kept.

    PROBE is its id (cold_start) or its number in the checklist (P15). Needs that runtime.
    """
    click.echo(commands.probe(name, runtime=runtime, blocks=blocks, show=show, site=site, user=user))


@main.group()
def calibrate() -> None:
    """Find out what this machine, and the security checklist, can tell apart, before anything is claimed.

    Needs no container runtime for 'timing', and Docker or Apptainer for 'security'.
    """


@calibrate.command()
@_site
@click.option("--blocks", default=0, help="So many blocks.  [default: 60, or what 15 minutes allow]")
@_results
@_user
@told
def timing(*, site: str, blocks: int, results: Path, user: str) -> None:
    """Hold the bare host against itself: noise, false positives, and how many blocks a claim needs.

    Needs no container runtime. The run is kept in the results, and no decision is made from it.
    """
    click.echo(commands.calibrate_timing(site=site, blocks=blocks, results=results, user=user))


@calibrate.command()
@click.argument("attempts", nargs=-1)
@_site
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    type=click.Choice(["docker", "apptainer"]),
    help="Only the flags of this runtime, and no other runtime.  [default: both, and all here as they are]",
)
@click.option("--repeats", default=5, show_default=True, help="Turns of every attempt on every runtime.")
@_results
@_user
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
    """Try the security checklist itself: which flag of Docker and Apptainer flips which attempt.

    Every attempt is made with one flag more at a time, and with one that changes nothing; then again on
    every runtime as it is. ATTEMPTS are ids (P15, setuid_planting); without any, all. Ends with 1 where the
    null flips something or a verdict is not repeated. Needs Docker or Apptainer. Takes an hour on two cores;
    a calibration of all that was interrupted is gone on with.
    """
    text, sound = commands.calibrate_security(
        attempts, site=site, runtimes=runtimes, repeats=repeats, results=results, user=user
    )
    click.echo(text)
    if not sound:
        sys.exit(1)


@main.command()
@_site
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    help="Only this one, and the bare host; may be repeated.  [default: all here that are ranked]",
)
@click.option("--max", "most", default=32, show_default=True, help="So many at once at most.")
@click.option(
    "--probe",
    "probes",
    multiple=True,
    type=click.Choice(["start", "import"]),
    help="What they do: start, or import Python modules too; may be repeated.  [default: start]",
)
@click.option("--repeats", default=3, show_default=True, help="How often each level is taken.")
@click.option("--budget", default=0.0, help="Seconds after which no level is repeated.  [default: no end]")
@click.option("--fresh", is_flag=True, help="Begin anew even if an interrupted sweep could be gone on with.")
@_results
@_user
@told
def sweep(
    *,
    site: str,
    runtimes: tuple[str, ...],
    most: int,
    probes: tuple[str, ...],
    repeats: int,
    budget: float,
    fresh: bool,
    results: Path | None,
    user: str,
) -> None:
    """Start 1, 2, 4 ... MAX containers at once, and find where more of them are no use, or break something.

    Runtimes take turns. A runtime is stopped at the first distress of the host: little memory, everything
    waiting for memory, failures. All that was started is ended, even if this is killed; an interrupted sweep
    is gone on with. The report shows the widest sweep of each site. Needs what 'evaluation run' needs.
    """
    click.echo(
        commands.sweep(
            site=site,
            runtimes=runtimes,
            most=most,
            probes=probes or ("start",),
            repeats=repeats,
            budget_s=budget,
            fresh=fresh,
            results=results,
            user=user,
        )
    )


@main.group()
def image() -> None:
    """Build images, keep their ledger, compare them; list or remove what is kept of them between runs.

    'evaluation images' is the same group. Needs the runtimes whose images are meant; as root, --as names the
    user that measured.
    """


@image.command("build")
@click.argument("names", nargs=-1, required=True)
@_user
@told
def image_build(*, names: tuple[str, ...], user: str) -> None:
    """Build images by name; one that is built from the same recipe is kept as it is.

    Needs mmdebstrap, umoci, skopeo, and for wheels pip. Neither root nor a container engine.
    """
    for name in names:
        click.echo(f"{name}: building it, or taking the kept one")
        built = commands.image_build(name, user=user)
        size, took = quantity(built.tar_bytes, "B"), quantity(built.build_s, "s")
        click.echo(f"{name}: {size}, built in {took}: {built.folder}")


@image.command("list")
@_site
@_user
@told
def image_list(*, site: str, user: str) -> None:
    """List the images: those built, their forms, what the engines hold of them, with sizes; and the others.

    Needs nothing; changes nothing.
    """
    click.echo(commands.images(site=site, user=user))


@image.command("clean")
@click.argument("names", nargs=-1)
@_site
@_user
@told
def image_clean(*, names: tuple[str, ...], site: str, user: str) -> None:
    """Remove the images named, or all: in the engines' stores too, and nothing that others have made.

    Needs no measurement to be under way.
    """
    click.echo(commands.images(site=site, user=user, clean=True, names=names))


@image.command("record")
@click.argument("names", nargs=-1, required=True)
@click.option("--forms", is_flag=True, help="Make every runtime's form too: the ledger then has its size.")
@_site
@_user
@told
def image_record(*, names: tuple[str, ...], forms: bool, site: str, user: str) -> None:
    """Write built images into their ledgers, images/NAME/ledger.jsonl; what is not built is built.

    Packages with versions and digests, layers, sizes, date, builder, parent. Needs what 'build' needs.
    """
    for line in releasing.keep(names, site=site, user=user, forms=forms):
        click.echo(line)


@image.command("ledger")
@click.argument("name", default="")
@_results
@told
def image_ledger(*, name: str, results: Path | None) -> None:
    """Tell what the ledger knows of all images, or everything it knows of NAME. Needs nothing."""
    click.echo(releasing.ledger(name, results=results))


@image.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@_user
@told
def image_diff(*, before: str, after: str, user: str) -> None:
    """Say what it takes to come from image A to image B: packages, and files by their content.

    NAME, or NAME@DIGEST for an earlier build in its ledger. Files need both images built here.
    """
    click.echo(releasing.diff(before, after, user=user))


@image.command("drift")
@click.argument("names", nargs=-1)
@click.option("--write", is_flag=True, help="Write the new builds into the ledger.")
@_user
@told
def image_drift(*, names: tuple[str, ...], write: bool, user: str) -> None:
    """Build images again and hold them against the ledger; say what changed, and end with 1 if anything did.

    Without NAMES, all that are in the ledger. Needs what 'build' needs, and the time of a build.
    """
    text, same = releasing.drift(names, user=user, write=write)
    click.echo(text)
    if not same:
        sys.exit(1)


@image.command("sbom")
@click.argument("name")
@click.option("--output", type=click.Path(path_type=Path), help="[default: it is printed]")
@told
def image_sbom(*, name: str, output: Path | None) -> None:
    """Give an image's bill of materials: CycloneDX 1.6, the same bytes each time. Needs its ledger."""
    text = releasing.sbom(name)
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"bill of materials: {os.path.relpath(output)}")


main.add_command(image, "images")


@main.command()
@_site
@_runtimes
@_user
@told
def conform(*, site: str, runtimes: str, user: str) -> None:
    """Check that the runtimes here do what this tool takes for granted; nothing is kept.

    Exit statuses, signals, streams, binds, environment, time limits: some twenty checks of every runtime,
    a quarter of a minute for the slowest. Ends with 1 where one deviates. Needs what 'evaluation run' needs.
    """
    deviations = 0
    for result in commands.conform(site=site, runtimes=runtimes, user=user):
        deviations += not result.conforms
        click.echo(f"{result.runtime:<18} {result.check:<26} {result.outcome:<12} {result.message}")
    if deviations:
        click.echo(f"{deviations} deviation{'s' * (deviations != 1)}", err=True)
        sys.exit(1)


@main.command()
@click.option("--check", is_flag=True, help="Only tell whether they are up to date.")
@told
def docs(*, check: bool) -> None:
    """Write what is generated: the probe catalogue, the JSON Schemas, the image descriptions.

    Needs nothing.
    """
    stale = commands.docs(check=check)
    for path in stale:
        click.echo(f"{'out of date' if check else 'written'}: {path}")
    if check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()


class _ArchiveByDefault(click.Group):
    """``import FILE`` is ``import archive FILE``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a file for an archive where no command has its name."""
        if args[0] not in self.commands and Path(args[0]).is_file():
            args = ["archive", *args]
        return super().resolve_command(ctx, args)


@main.group("import", cls=_ArchiveByDefault)
def import_() -> None:
    """Add the archive of another site, or the result of another tool.

    Needs its file.
    """


@import_.command("archive")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--sha256", default="", help="What the sender says it is; otherwise refused.")
@_results
@told
def import_archive(*, file: Path, sha256: str, results: Path | None) -> None:
    """Check FILE, which 'evaluation site pack' wrote elsewhere, and add its run to the results.

    All or nothing; nothing in it is run. Needs that file, and the site's description in sites/.
    """
    click.echo(sending.import_archive(file, results=results, sha256=sha256))


@import_.command("docker-bench")
@click.argument("file", type=click.Path(path_type=Path))
@_site
@_results
@told
def import_docker_bench(*, file: Path, site: str, results: Path | None) -> None:
    """Keep FILE, the JSON log of docker-bench-security; the report shows it.

    It says which of those checks cannot fail. Needs that file only.
    """
    click.echo(reviewing.import_docker_bench(file, site=site, results=results))


@main.group()
def site() -> None:
    """Describe a site, look at what is known of it, and let its results leave it.

    Needs no container.
    """


@site.command("new")
@click.argument("name")
@told
def site_new(*, name: str) -> None:
    """Begin sites/NAME.yaml: valid as it is, with a comment for all that can be said. Needs nothing."""
    path = sitework.new(name)
    click.echo(f"written: {os.path.relpath(path)}\nsay what is known, then: evaluation site check {name}")


@site.command("check")
@click.argument("name", default="")
@_results
@told
def site_check(*, name: str, results: Path | None) -> None:
    """Say of a site, or of all, what is wrong in its file, what is out of date or missing, and what answers.

    Whether its batch system and its runtimes answer is asked where this is the machine. Needs nothing;
    changes nothing. Ends with 1 where a file is faulty.
    """
    text, valid = sitework.check(name, results=results)
    click.echo(text)
    if not valid:
        sys.exit(1)


@site.command("page")
@click.argument("name")
@_results
@_criteria
@click.option("--output", type=click.Path(path_type=Path), help="[default: RESULTS/site-NAME.html]")
@told
def site_page(*, name: str, results: Path | None, criteria: Path | None, output: Path | None) -> None:
    """Write one page of a site, measured or not, that prints on one sheet of A4. Needs results only."""
    path = reviewing.site_page(name, results=results, criteria=criteria, output=output)
    click.echo(f"page: {os.path.relpath(path)}")


@site.command("pack")
@click.argument("name", default="", metavar="[RUN]")
@_site
@_results
@click.option(
    "--output", type=click.Path(path_type=Path), help="The archive.  [default: RESULTS/SITE-RUN.zip]"
)
@click.option("--hide", multiple=True, metavar="WORD", help="A further word that must not leave.")
@click.option("--public", multiple=True, metavar="WORD", help="A host's or user's name that may leave.")
@click.option("--key", type=click.Path(path_type=Path), help="The site's key.  [default: in ~/.config]")
@click.option("--yes", is_flag=True, help="Do not ask; for use without a terminal.")
@told
def site_pack(
    *,
    name: str,
    site: str,
    results: Path | None,
    output: Path | None,
    hide: tuple[str, ...],
    public: tuple[str, ...],
    key: Path | None,
    yes: bool,
) -> None:
    """Pack a finished RUN into one archive that can leave its site; the newest one of SITE by default.

    Names of hosts and users, paths and addresses are replaced by keyed hashes; what is not on a list of
    fields stays. What leaves is listed, and nothing is written before that is agreed to. Needs the results.
    """

    def agreed(listing: str) -> bool:
        click.echo(listing)
        if yes:
            return True
        if not sys.stdin.isatty():
            raise EvaluationError(
                "nobody is here to agree to this list; nothing was written",
                where="evaluation site pack",
                advice="Read it, then run again with --yes.",
            )
        return click.confirm("\nwrite this?", default=False)

    told_of = sending.pack(
        name, site=site, results=results, output=output, key=key, hide=hide, public=public, agreed=agreed
    )
    click.echo(f"\n{told_of}")
