"""The guided way of a site contact: a few questions; then look, measure, and pack the file to send."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation import commands, doctor, sending, sitework
from evaluation.batch import SUBMITTED
from evaluation.documents import unknown
from evaluation.errors import EvaluationError
from evaluation.kit import kit_folder
from evaluation.model import CONTROL, Role
from evaluation.project import root
from evaluation.runtimes import known_runtimes
from evaluation.sites import list_sites, load_site
from evaluation.store import Run

__all__ = ["Answers", "batch_systems_here", "guide"]

_PROFILES = ("trial", "quick", "full")
"""Those that a site measures itself by; others are calibrations and sweeps."""
HERE = "local"
"""The engine of whoever measures the machine that the command runs on."""
_SUBMITS = {"slurm": "sbatch", "gridengine": "qconf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the options have answered already; an empty one is asked for."""

    site: str = ""
    batch: str = ""
    runtimes: tuple[str, ...] = ()
    profile: str = ""


Ask = Callable[[str, str, str], str]
"""``ask(question, default, option)`` gives the answer; the default where nobody is there to be asked."""


def batch_systems_here() -> tuple[str, ...]:
    """Name the batch systems whose commands are on PATH and that jobs can be submitted to."""
    return tuple(engine for engine in SUBMITTED if shutil.which(_SUBMITS[engine]))


def guide(
    given: Answers,
    *,
    ask: Ask,
    say: Callable[[str], None],
    agreed: Callable[[str], bool],
    user: str = "",
    output: Path | None = None,
) -> Run:
    """Ask what was not given, and go the whole way; give the run that was measured.

    Parameters
    ----------
    ask, say : callable
        How a person is asked, and told.
    agreed : callable
        Is shown what would leave, and says whether it may.
    user : str
        Who runs the containers, where we are root.
    output : Path, optional
        The archive; by default in the kit's folder, or among the results.

    Raises
    ------
    EvaluationError
        An answer is none, or nothing could be measured.
    """
    site = given.site or ask("The site's name, as it will stand in the report", "mysite", "--site")
    if site not in list_sites(root() / "sites"):
        written = sitework.new(site, status="measured-here", engine=_engine(given, ask))
        say(f"written: {written}: say there what is known of the site, now or before you send the file")
    where = load_site(site, root() / "sites")
    if given.batch not in {"", where.batch.engine}:
        raise EvaluationError(
            f"{site} is described already, with the batch system {where.batch.engine}",
            where="--batch",
            advice=f"Change batch in sites/{site}.yaml, or name another site.",
        )
    sending.check_name(site)
    looked = doctor.examine(where)
    say(f"\n{looked.as_text()}\n")
    answering = [facts.id for facts in looked.runtimes if facts.present and facts.role is Role.ALTERNATIVE]
    runtimes = given.runtimes or tuple(
        ask(
            "What may be run (ids, or none for the bare host alone)",
            " ".join(answering) or "none",
            "--runtime",
        )
        .replace(",", " ")
        .split()
    )
    _require("--runtime", runtimes, (*known_runtimes(), "none"))
    profile = given.profile or ask(
        "How long (trial: two minutes, decides nothing; quick: about ten minutes; full: hours)",
        "quick",
        "--profile",
    )
    _require("--profile", (profile,), _PROFILES)
    path = commands.run(
        site=site,
        profile=profile,
        runtimes=" ".join(name for name in runtimes if name != CONTROL),
        user=user,
        if_needed=True,
    )
    target = output or (kit / f"{site}-{path.name}.zip" if (kit := kit_folder()) else None)
    say("")
    say(sending.pack(path.name, site=site, results=None, output=target, agreed=agreed))
    return Run(path)


def _engine(given: Answers, ask: Ask) -> str:
    """Say where is measured; nobody is asked where there is no batch system."""
    found = batch_systems_here()
    engine = given.batch
    if not engine and found:
        engine = ask(
            f"Measure on this machine ({HERE}), or in a job of {' or '.join(found)}", HERE, "--batch"
        )
    _require("--batch", (engine or HERE,), (HERE, *SUBMITTED))
    return engine or HERE


def _require(option: str, answers: Sequence[str], known: Sequence[str]) -> None:
    for answer in answers:
        if answer not in known:
            raise EvaluationError(unknown("answer", answer, known), where=option)
