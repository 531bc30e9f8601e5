"""What the Release Manager asks of images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from evaluation import commands, releasing
from evaluation.cli.base import main, results_option, save, say, site_option, told, user_option
from evaluation.units import quantity


@main.group()
def image() -> None:
    """Build images, keep their ledger, compare them; list or remove what is kept of them between runs.

    'evaluation images' is the same group. Needs the runtimes whose images are meant; as root, --as names the
    user that measured.
    """


@image.command("build")
@click.argument("names", nargs=-1, required=True)
@user_option
@told
def image_build(*, names: tuple[str, ...], user: str) -> None:
    """Build images by name; one that is built from the same recipe is kept as it is.

    Needs mmdebstrap, umoci, skopeo, and for wheels pip. Neither root nor a container engine.
    """
    for name in names:
        say(f"{name}: building it, or taking the kept one")
        built = commands.image_build(name, user=user)
        size, took = quantity(built.tar_bytes, "B"), quantity(built.build_s, "s")
        say(f"{name}: {size}, built in {took}: {built.folder}")


@image.command("list")
@site_option
@user_option
@told
def image_list(*, site: str, user: str) -> None:
    """List the images: those built, their forms, what the engines hold of them, with sizes; and the others.

    Needs nothing; changes nothing.
    """
    say(commands.images(site=site, user=user))


@image.command("clean")
@click.argument("names", nargs=-1)
@site_option
@user_option
@told
def image_clean(*, names: tuple[str, ...], site: str, user: str) -> None:
    """Remove the images named, or all: in the engines' stores too, and nothing that others have made.

    Needs no measurement to be under way.
    """
    say(commands.images(site=site, user=user, clean=True, names=names))


@image.command("record")
@click.argument("names", nargs=-1, required=True)
@click.option("--forms", is_flag=True, help="Make every runtime's form too: the ledger then has its size.")
@site_option
@user_option
@told
def image_record(*, names: tuple[str, ...], forms: bool, site: str, user: str) -> None:
    """Write built images into their ledgers, images/NAME/ledger.jsonl; what is not built is built.

    Packages with versions and digests, layers, sizes, date, builder, parent. Needs what 'build' needs.
    """
    for line in releasing.keep(names, site=site, user=user, forms=forms):
        say(line)


@image.command("ledger")
@click.argument("name", default="")
@results_option
@told
def image_ledger(*, name: str, results: Path | None) -> None:
    """Tell what the ledger knows of all images, or everything it knows of NAME. Needs nothing."""
    say(releasing.ledger(name, results=results))


@image.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@user_option
@told
def image_diff(*, before: str, after: str, user: str) -> None:
    """Say what it takes to come from image A to image B: packages, and files by their content.

    NAME, or NAME@DIGEST for an earlier build in its ledger. Files need both images built here.
    """
    say(releasing.diff(before, after, user=user))


@image.command("drift")
@click.argument("names", nargs=-1)
@click.option("--write", is_flag=True, help="Write the new builds into the ledger.")
@user_option
@told
def image_drift(*, names: tuple[str, ...], write: bool, user: str) -> None:
    """Build images again and hold them against the ledger; say what changed, and end with 1 if anything did.

    Without NAMES, all that are in the ledger. Needs what 'build' needs, and the time of a build.
    """
    text, same = releasing.drift(names, user=user, write=write)
    say(text)
    if not same:
        sys.exit(1)


@image.command("sbom")
@click.argument("name")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where to write it.  [default: it is printed]"
)
@told
def image_sbom(*, name: str, output: Path | None) -> None:
    """Give an image's bill of materials: CycloneDX 1.6, the same bytes each time. Needs its ledger."""
    text = releasing.sbom(name)
    if output is None:
        say(text, nl=False)
        return
    save(output, text)
    say(f"bill of materials: {os.path.relpath(output)}")


main.add_command(image, "images")
