"""What the report and the terminal show of the checklist's own calibration; made up throughout."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from synthetic_case import make_case
from synthetic_findings import SITE

from evaluation.decide.checklist import Arm, Checklist, Tried
from evaluation.model import Effect
from evaluation.report import chapters
from evaluation.report.checklist_calibration import calibration
from evaluation.report.preview import checklist_text

ARMS = (
    Arm(id="host", family="host", version="1"),
    Arm(id="docker", family="docker", version="1", mode="root's <daemon>"),
    *(
        Arm(
            id=f"docker+{name}",
            family="docker",
            version="1",
            of="docker",
            options=(f"--{name}", "made-up"),
            effect=effect,
            expected=f"What {name} does.",
            absent="this host has no disk to name" if name == "gone" else "",
        )
        for name, effect in (
            ("null", Effect.NOTHING),
            ("weak", Effect.WEAKENS),
            ("hard", Effect.HARDENS),
            ("broken", Effect.HARDENS),
            ("gone", Effect.WEAKENS),
        )
    ),
)


def tried(number: str, host: str, docker: str, null: str, weak: str, hard: str) -> Tried:
    words = {"host": host, "docker": docker, "docker+null": null, "docker+weak": weak, "docker+hard": hard}
    return Tried(
        probe=f"attempt_{number.lower()}",
        version=1,
        checklist_id=number,
        question="?",
        verdicts={arm: tuple(given.split()) for arm, given in words.items()} | {"docker+broken": ("ERROR",)},
        reasons={"docker+broken": "it <does> not start"},
    )


def made(*attempts: Tried, site: str = SITE) -> Checklist:
    return Checklist(
        site=site,
        run="made-up",
        tool_version="0.1.0",
        started_at="2026-11-14T09:00:00+00:00",
        system="A made-up system",
        kernel="6.18.0",
        arms=ARMS,
        attempts=attempts,
    )


WEAKENED = tried("P01", "DENIED DENIED", "DENIED DENIED", "DENIED", "EXPOSED", "DENIED")
HARDENED = tried("P02", "EXPOSED EXPOSED", "EXPOSED EXPOSED", "EXPOSED", "EXPOSED", "DENIED")
STUCK = tried("P03", "DENIED DENIED", "DENIED DENIED", "DENIED", "DENIED", "DENIED")
ODD = tried("P04", "DENIED DENIED", "DENIED EXPOSED", "EXPOSED", "EXPOSED", "DENIED")
WELL = made(WEAKENED, HARDENED, STUCK)


def chapter(*checklists: Checklist) -> BeautifulSoup:
    case = make_case()
    site = replace(case.measured[0], checklists=checklists)
    return BeautifulSoup(chapters.method(replace(case, measured=(site,))).html, "html.parser")


def words(soup: BeautifulSoup) -> str:
    return " ".join(soup.get_text(" ").split())


def test_each_flag_is_marked_by_what_it_did_to_each_attempt() -> None:
    marks = {flag.arm.knob: flag.marks for flag in calibration(WELL, SITE).flags}
    assert marks == {
        "null": ("\N{MIDDLE DOT}", "\N{MIDDLE DOT}", "\N{MIDDLE DOT}"),
        "weak": ("+", "\N{MIDDLE DOT}", "\N{MIDDLE DOT}"),
        "hard": ("\N{MIDDLE DOT}", "\N{MINUS SIGN}", "\N{MIDDLE DOT}"),
        "broken": ("?", "?", "?"),
        "gone": ("", "", ""),
    }
    flips = {flag.arm.knob: (flag.flips, flag.problem) for flag in calibration(WELL, SITE).flags}
    assert flips == {
        "null": (0, ""),
        "weak": (1, ""),
        "hard": (1, ""),
        "broken": (0, "it <does> not start"),
        "gone": (0, "this host has no disk to name"),
    }


def test_the_chapter_says_what_flips_each_attempt_and_what_is_kept_back_why() -> None:
    soup = chapter(WELL)
    table = soup.find("div", attrs={"aria-label": "What flips each attempt"})
    assert table is not None
    rows = [" ".join(row.get_text(" ").split()) for row in table.find_all("tr")[1:]]
    dash = "\N{EN DASH}"
    why = "no flag and no control flips it: DENIED or ERROR wherever it was tried"
    assert rows == [
        f"P01 attempt_ p01 denied denied weak {dash} yes",
        f"P02 attempt_ p02 exposed exposed hard {dash} yes",
        f"P03 attempt_ p03 denied denied {dash} {dash} no : {why}",
    ]
    text = words(soup)
    assert "So docker was started with one flag more at a time" in text
    assert "The flag that changes nothing flipped 0 of" in text
    assert "on 14 November 2026 at this site" in text
    assert "Taken 2 times or more, 0 of" in text


def test_only_flags_that_flipped_something_have_a_row_and_the_others_a_sentence() -> None:
    soup = chapter(WELL)
    table = soup.find("div", attrs={"aria-label": "Flags by attempts"})
    assert table is not None
    assert [row.th.get_text(" ").split()[1] for row in table.find_all("tr")[1:] if row.th] == [
        "--weak",
        "--hard",
    ]
    text = words(soup)
    assert "These flags flipped none of these attempts: docker --null made-up ." in text
    assert "docker --broken made-up : not shown here, it <does> not start" in text


def test_the_chapter_says_how_each_runtime_worked_and_how_often_it_was_tried() -> None:
    table = chapter(WELL).find("div", attrs={"aria-label": "Repeated attempts"})
    assert table is not None
    rows = [" ".join(row.get_text(" ").split()) for row in table.find_all("tr")[1:]]
    assert rows == ["host 3 2 none", "docker root's <daemon> 3 2 none"]


def test_the_chapter_names_every_runtime_that_was_calibrated() -> None:
    more = [
        arm.model_copy(update={"id": f"{of}+null", "of": of})
        for of in ("apptainer", "apptainer-userns")
        for arm in ARMS
        if arm.knob == "null"
    ]
    text = words(chapter(WELL.model_copy(update={"arms": (*ARMS, *more)})))
    assert "So docker, apptainer and apptainer-userns were started with one flag more at a time" in text


def test_what_the_null_flips_and_what_is_not_repeated_is_pointed_out() -> None:
    text = words(chapter(made(ODD)))
    assert "Flipped by nothing at all: P04 attempt_p04, denied, then exposed (docker+null)." in text
    assert "what is said below of these attempts is doubtful" in text
    assert "P04 denied, exposed" in text


def test_a_calibration_of_another_machine_is_said_to_be_and_none_too() -> None:
    assert "on the project's reference machine, because this site was not" in words(
        chapter(made(WEAKENED, site="reference"))
    )
    assert "was not calibrated, so no attempt is published" in words(chapter())


@pytest.mark.parametrize(
    ("checklist", "told"),
    [
        (WELL, "The null flipped 0 of 3"),
        (WELL, "0 with differing verdicts"),
        (WELL, "Flags that flip nothing: docker+null."),
        (WELL, "Flags that did not start: docker+broken, docker+gone."),
        (WELL, "did not start: docker+broken: it <does> not start"),
        (WELL, "did not start: docker+gone: this host has no disk to name"),
    ],
)
def test_the_terminal_says_the_same(checklist: Checklist, told: str) -> None:
    assert told in checklist_text(checklist).replace("\N{NO-BREAK SPACE}", " ")


def test_a_calibration_of_several_sites_is_shown_once_with_their_names() -> None:
    case = make_case()
    site = replace(case.measured[0], checklists=(made(WEAKENED, site="reference"),))
    third = replace(site, manifest=site.manifest.model_copy(update={"site": "third"}), folder="third/made-up")
    soup = BeautifulSoup(chapters.method(replace(case, measured=(site, third))).html, "html.parser")
    (heading,) = [each for each in soup.select("h3") if "tried itself" in each.get_text()]
    assert " ".join(heading.get_text(" ").split()).endswith(" and third")
    assert "because these sites were not calibrated themselves" in words(soup)
