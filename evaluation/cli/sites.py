"""What a site contact does: describe a site, let results leave it, and take others in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from evaluation import planting, reviewing, sending, sitework
from evaluation.cli.base import criteria_option, main, results_option, say, site_option, told
from evaluation.errors import EvaluationError


@main.command()
@click.option(
    "--in",
    "place",
    type=click.Path(path_type=Path),
    help="Where their folder is to be.  [default: /var/lib; where any may be, to list and to remove]",
)
@click.option("--list", "listing", is_flag=True, help="Say what is planted, and whether it is trusted.")
@click.option("--remove", "removing", is_flag=True, help="Remove what was planted.")
@told
def plant(*, place: Path | None, listing: bool, removing: bool) -> None:
    """Plant what only root can, once, so that ordinary users' runs can decide; as root.

    A setuid program that does nothing but say who runs it, and an empty file that only root may open:
    attempts P06, P15 and P39 are made on them. They lie in one folder of root's, which an ordinary user's
    run finds in /var/lib, /var/tmp, /tmp and its TMPDIR, and trusts where nobody but root can have put it
    there. Needs a C compiler; --list and --remove need nothing, and --list no root.
    """
    if listing and removing:
        raise click.UsageError("--list or --remove, not both")
    within = (place,) if place else ()
    if listing:
        say(planting.listed(*within))
    elif removing:
        gone = planting.remove(*within)
        say("\n".join(f"removed: {folder}" for folder in gone) or "nothing was planted")
    else:
        made = planting.plant(*within)
        say(f"{planting.listed(made.parent)}\nremove them again, as root: {planting.COMMAND} --remove")


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
    say(f"written: {os.path.relpath(path)}\nsay what is known, then: evaluation site check {name}")


@site.command("check")
@click.argument("name", default="")
@results_option
@told
def site_check(*, name: str, results: Path | None) -> None:
    """Say of a site, or of all, what is wrong in its file, what is out of date or missing, and what answers.

    Whether its batch system and its runtimes answer is asked where this is the machine. Needs nothing;
    changes nothing. Ends with 1 where a file is faulty.
    """
    text, valid = sitework.check(name, results=results)
    say(text)
    if not valid:
        sys.exit(1)


@site.command("page")
@click.argument("name")
@results_option
@criteria_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to write it.  [default: RESULTS/site-NAME.html]"
)
@told
def site_page(*, name: str, results: Path | None, criteria: Path | None, output: Path | None) -> None:
    """Write one page of a site, measured or not, that prints on one sheet of A4. Needs results only."""
    path = reviewing.site_page(name, results=results, criteria=criteria, output=output)
    say(f"page: {os.path.relpath(path)}")


def agreement(command: str, *, yes: bool) -> Callable[[str], bool]:
    """Make what shows the list of what would leave, and asks whether it may; ``yes`` asks nobody."""

    def agreed(listing: str) -> bool:
        say(listing)
        if yes:
            return True
        if not sys.stdin.isatty():
            raise EvaluationError(
                "nobody is here to agree to this list; nothing was written",
                where=command,
                advice="Read it, then run again with --yes.",
            )
        return click.confirm("\nwrite this?", default=False)

    return agreed


@site.command("pack")
@click.argument("name", default="", metavar="[RUN]")
@site_option
@results_option
@click.option(
    "--output", type=click.Path(path_type=Path), help="The archive.  [default: RESULTS/SITE-RUN.zip]"
)
@click.option(
    "--hide", multiple=True, metavar="WORD", help="A further word that must not leave; may be repeated."
)
@click.option(
    "--public", multiple=True, metavar="WORD", help="A host's or user's name that may leave; may be repeated."
)
@click.option("--key", type=click.Path(path_type=Path), help="The site's key.  [default: in ~/.config]")
@click.option("--yes", is_flag=True, help="Do not ask; for use without a terminal.")
@click.option(
    "--check-name",
    is_flag=True,
    help="Only refuse a site's name that could not leave, before it is measured.",
)
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
    check_name: bool,
) -> None:
    """Pack a finished RUN into one archive that can leave its site; the newest one of SITE by default.

    Names of hosts and users, paths and addresses are replaced by keyed hashes; what is not on a list of
    fields stays. What leaves is listed, and nothing is written before that is agreed to. Needs the results.
    """
    if check_name:
        sending.check_name(site, hide=hide, public=public)
        return
    told_of = sending.pack(
        name,
        site=site,
        results=results,
        output=output,
        key=key,
        hide=hide,
        public=public,
        agreed=agreement("evaluation site pack", yes=yes),
    )
    say(f"\n{told_of}")


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
@click.option(
    "--sha256", default="", help="What the sender says it is; otherwise refused.  [default: not compared]"
)
@results_option
@told
def import_archive(*, file: Path, sha256: str, results: Path | None) -> None:
    """Check FILE, which 'evaluation site pack' wrote elsewhere, and add its run to the results.

    All or nothing; nothing in it is run. Needs that file, and the site's description in sites/.
    """
    say(sending.import_archive(file, results=results, sha256=sha256))


@import_.command("docker-bench")
@click.argument("file", type=click.Path(path_type=Path))
@site_option
@results_option
@told
def import_docker_bench(*, file: Path, site: str, results: Path | None) -> None:
    """Keep FILE, the JSON log of docker-bench-security; the report shows it.

    It says which of those checks cannot fail. Needs that file only.
    """
    say(reviewing.import_docker_bench(file, site=site, results=results))
