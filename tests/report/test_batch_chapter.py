"""What the batch contract says to whoever runs the batch system, with and without real jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bs4 import BeautifulSoup
from synthetic_case import make_case

from evaluation.batch import Batch
from evaluation.model import CONTROL, Finding, Outcome, ProbeTexts
from evaluation.report import chapters
from evaluation.report.chapters.batch import CLAUSES, MITIGATIONS
from evaluation.report.source import Case

HOLDS, FAILS, UNSUPPORTED = Outcome.HOLDS, Outcome.FAILS, Outcome.UNSUPPORTED
PLAIN = {**dict.fromkeys(CLAUSES, HOLDS), **dict.fromkeys(MITIGATIONS, UNSUPPORTED)}
DAEMON = {
    **dict.fromkeys(CLAUSES, FAILS),
    "batch_daemon_survival": HOLDS,
    "batch_epilog": HOLDS,
    "batch_job_cgroup": HOLDS,
    "batch_init": FAILS,
}
FARM = {CONTROL: PLAIN, "docker": DAEMON, "charliecloud": PLAIN}


def found(probe: str, runtime: str, outcome: Outcome, group: str = "batch") -> Finding:
    return Finding(
        site="local",
        run="made-up",
        runtime=runtime,
        probe=probe,
        probe_version=1,
        outcome=outcome,
        message="no batch system here" if outcome is Outcome.UNAVAILABLE else "made up",
        texts=ProbeTexts(question="Does it?", why="Made up.", method="Made up.", remedy="", group=group),
    )


def case_of(*farms: tuple[str, Mapping[str, Mapping[str, Outcome]]]) -> Case:
    made = make_case()
    site, sites = made.measured[0], dict(made.sites)
    measured = []
    for number, (engine, farm) in enumerate(farms):
        name = f"farm{number}"
        more = tuple(
            found(probe, runtime, outcome)
            for runtime, seen in farm.items()
            for probe, outcome in seen.items()
        )
        manifest = site.manifest.model_copy(update={"site": name})
        measured.append(
            replace(site, manifest=manifest, folder=f"{name}/made-up", findings=(*site.findings, *more))
        )
        batch = Batch.model_validate({"engine": engine})
        sites[name] = sites["local"].model_copy(update={"id": name, "batch": batch})
    return replace(made, measured=tuple(measured), sites=sites)


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def soup_of(case: Case) -> BeautifulSoup:
    return BeautifulSoup(chapters.batch(case).html, "html.parser")


def test_where_nothing_was_asked_one_sentence_says_what_would() -> None:
    soup = soup_of(make_case())
    assert not soup.find("table")
    assert "evaluation run --site slurm-test" in words(soup.get_text(" "))
    away = {CONTROL: dict.fromkeys(CLAUSES, Outcome.UNAVAILABLE)}
    assert not soup_of(case_of(("local", away))).find("table")


def test_engines_stand_side_by_side_with_a_sentence_each() -> None:
    changed = {**FARM, "docker": {**DAEMON, "batch_epilog": FAILS}}
    soup = soup_of(case_of(("slurm", FARM), ("gridengine", changed)))
    rows = {
        words(row.select("th")[0].get_text()): [words(cell.get_text()) for cell in row.find_all("td")]
        for row in soup.find_all("table")[0].select("tbody tr")
    }
    assert rows["charliecloud"] == ["Limited, charged and ended like a plain job: nothing is needed."] * 2
    assert rows["host"][0].startswith("The control")
    slurm, grid = rows["docker"]
    assert slurm.startswith("Its CPU time is in nobody's books, its memory is in nobody's books,")
    assert "it outlives the kill of its job" in slurm
    assert "a daemon in it" not in slurm
    assert (
        "on the node. Helps: an epilog that removes containers by label (it ends then), --cgroup-parent"
        in slurm
    )
    assert "Does not help: --init." in slurm
    assert "Does not help: an epilog that removes containers by label, --init." in grid


def test_the_lead_names_who_may_run_as_a_plain_job() -> None:
    soup = soup_of(case_of(("slurm", {**FARM, "podman": {"batch_cpu_accounting": HOLDS}})))
    lead = words(soup.select("ul")[0].get_text(" "))
    assert lead == (
        "Slurm: charliecloud can run as plain jobs do; docker breaks what a job promises; "
        "of podman not enough was seen to say so."
    )


def test_what_is_not_known_is_never_a_pass() -> None:
    partly = {**PLAIN, "batch_kill_survival": Outcome.ERROR, "batch_leftovers": Outcome.INERT}
    soup = soup_of(case_of(("slurm", {CONTROL: PLAIN, "podman": partly})))
    text = words(soup.get_text(" "))
    assert "Nothing was seen to escape. Not known: ends when killed, node left clean." in text
    assert "podman can run" not in text


def test_every_cell_opens_its_evidence() -> None:
    case = case_of(("slurm", FARM))
    links = [link["href"] for link in soup_of(case).select("table.matrix td a")]
    evidence = BeautifulSoup(chapters.evidence(case).html, "html.parser")
    assert len(links) == len(FARM) * len(CLAUSES) + len(MITIGATIONS), "remedies matter where something fails"
    for link in links:
        assert evidence.find(id=str(link).removeprefix("#")), link
