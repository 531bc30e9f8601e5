"""What the batch contract says to whoever runs the batch system, with and without real jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from bs4 import BeautifulSoup
from synthetic_case import make_case

from evaluation.batch import Batch
from evaluation.manifest import CheckFacts
from evaluation.model import CONTROL, CheckState, Finding, Outcome, ProbeTexts
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


def side_by_side(**memory_limit: tuple[Outcome, str]) -> Case:
    """Sites by name: how podman answers B01 there, under which control groups."""
    made = make_case()
    measured, sites = [], dict(made.sites)
    for name, (outcome, groups) in memory_limit.items():
        texts = ProbeTexts(
            question="Does it?", why="", method="", remedy="", group="security", checklist_id="B01"
        )
        answers = [
            replace(found("job_memory_limit", runtime, came_to), site=name, texts=texts, control_groups=under)
            for runtime, came_to, under in ((CONTROL, HOLDS, "v1"), ("podman", outcome, groups))
        ]
        check = CheckFacts(
            what="control groups", state=CheckState.SOUND, sentence=f"{groups}, made up for {name}"
        )
        site = made.measured[0]
        manifest = site.manifest.model_copy(update={"site": name, "checks": (check,)})
        findings = (*(f for f in site.findings if f.probe != "job_memory_limit"), *answers)
        measured.append(replace(site, manifest=manifest, folder=f"{name}/made-up", findings=findings))
        sites[name] = sites["local"].model_copy(update={"id": name, "title": name.capitalize()})
    return replace(made, measured=tuple(measured), sites=sites)


def test_what_sites_answer_differently_says_by_what_it_goes() -> None:
    case = side_by_side(
        older=(HOLDS, "v1, manager cgroupfs"),
        newer=(FAILS, "v2, manager systemd"),
        bare=(Outcome.UNAVAILABLE, ""),
    )
    soup = soup_of(case)
    table = soup.select("#contract-by-site")[0]
    assert [words(cell.get_text()) for cell in table.select("thead th")] == [
        "Attempt", "Older", "Newer", "Why they differ",
    ]  # fmt: skip
    (row,) = table.select("tbody tr")
    assert words(row.select("th")[0].get_text()) == "B01 job memory limit podman"
    older, newer, why = (words(cell.get_text()) for cell in row.select("td"))
    assert older.startswith("holds made up; version ")
    assert newer.startswith("fails made up; version ")
    assert why.startswith("They differ with the control groups, for a job bounds")
    assert "at Newer, version 2, where systemd makes a scope of its own" in why
    assert "Newer: v2, manager systemd, made up for newer." in words(soup.get_text(" "))
    evidence = BeautifulSoup(chapters.evidence(case).html, "html.parser")
    security = BeautifulSoup(chapters.security(case).html, "html.parser")
    for link in (str(each["href"]).removeprefix("#") for each in row.select("a")):
        assert evidence.find(id=link) or security.find(id=link), link
    assert security.select('a[href="#batch-contract"]')


def test_sites_that_answer_alike_are_said_to() -> None:
    soup = soup_of(side_by_side(older=(HOLDS, "v1, manager cgroupfs"), newer=(HOLDS, "v2, manager systemd")))
    assert not soup.select("#contract-by-site")
    assert "No attempt of the contract comes out differently" in words(soup.get_text(" "))
    assert "comes out differently" not in words(soup_of(make_case()).get_text(" "))
