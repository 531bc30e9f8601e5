"""The guided way: at most five questions, each with a default and an option; nothing is measured in here."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation import commands, doctor, guiding, sending
from evaluation.doctor import Checkup
from evaluation.errors import EvaluationError
from evaluation.guiding import Answers, guide
from evaluation.measure.host import host_facts
from evaluation.model import Role
from evaluation.sites import Site, load_site

ROOT = Path(__file__).parents[1]


class Person:
    """A fake of whoever is asked: answers what is set, else takes the default."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []
        self.told: list[str] = []

    def ask(self, question: str, default: str, option: str) -> str:
        assert question
        self.asked.append((option, default))
        return self.answers.get(option.removeprefix("--"), default)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """What would be measured and packed; fakes of both, and of a machine with Podman and a mode of it."""
    shutil.copytree(ROOT / "sites", tmp_path / "sites")
    shutil.copy(ROOT / "criteria.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    calls: list[dict[str, Any]] = []

    def facts(id_: str, role: Role, *, present: bool = True) -> SimpleNamespace:
        return SimpleNamespace(id=id_, role=role, present=present)

    def looked(site: Site) -> SimpleNamespace:
        runtimes = (
            facts("host", Role.BASELINE), facts("podman", Role.ALTERNATIVE),
            facts("podman-keep-id", Role.VARIANT), facts("docker", Role.ALTERNATIVE, present=False),
        )  # fmt: skip
        return SimpleNamespace(runtimes=runtimes, as_text=lambda: f"looked at {site.id}")

    def run(*, site: str, **words: object) -> Path:
        calls.append({"site": site, **words})
        return tmp_path / "results" / site / "RUN"

    def pack(name: str, **words: object) -> str:
        calls.append({"packed": name, **words})
        return "packed: it"

    monkeypatch.setattr(doctor, "examine", looked)
    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr(sending, "pack", pack)
    monkeypatch.setattr(guiding, "Run", lambda path: path)
    monkeypatch.setattr(guiding, "batch_systems_here", lambda: ())
    return calls


def go(person: Person, given: Answers | None = None, *, user: str = "", output: Path | None = None) -> object:
    return guide(
        given or Answers(),
        ask=person.ask,
        say=person.told.append,
        agreed=lambda _: True,
        user=user,
        output=output,
    )


def test_with_every_default_what_answers_is_measured_and_packed(
    ran: list[dict[str, Any]], tmp_path: Path
) -> None:
    person = Person()
    path = go(person)
    assert person.asked == [("--site", "mysite"), ("--runtime", "podman"), ("--profile", "quick")]
    measured, packed = ran
    assert measured == {
        "site": "mysite",
        "profile": "quick",
        "runtimes": "podman",
        "user": "",
        "if_needed": True,
    }
    assert (packed["packed"], packed["site"], packed["output"]) == ("RUN", "mysite", None)
    assert path == tmp_path / "results" / "mysite" / "RUN"
    site = load_site("mysite", tmp_path / "sites")
    assert (site.status, site.batch.engine) == ("measured-here", "local")
    assert any("looked at mysite" in told for told in person.told)
    assert person.told[-1] == "packed: it"


def test_options_leave_nothing_to_ask(ran: list[dict[str, Any]]) -> None:
    person = Person()
    go(person, Answers(site="here", batch="local", runtimes=("none",), profile="trial"), user="me")
    assert person.asked == []
    assert ran[0] == {"site": "here", "profile": "trial", "runtimes": "none", "user": "me", "if_needed": True}


def test_another_batch_system_than_a_described_site_has_is_refused(ran: list[dict[str, Any]]) -> None:
    """It was passed over without a word, and the measurement went elsewhere than was asked."""
    go(Person(), Answers(site="here", batch="local"))
    done = len(ran)
    with pytest.raises(EvaluationError, match="described already, with the batch system local"):
        go(Person(), Answers(site="here", batch="slurm"))
    assert len(ran) == done
    go(Person(), Answers(site="here", batch="local"))  # as an interrupted one is resumed
    assert len(ran) > done


def test_a_batch_system_is_asked_about_only_where_one_was_found(
    ran: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(guiding, "batch_systems_here", lambda: ("slurm",))
    person = Person(batch="slurm")
    go(person)
    assert [option for option, _ in person.asked] == ["--site", "--batch", "--runtime", "--profile"]
    assert load_site("mysite", tmp_path / "sites").batch.engine == "slurm"
    again = Person()
    go(again)
    assert "--batch" not in [option for option, _ in again.asked], (
        "a site that is described is not begun again"
    )
    assert len(ran) == 4


def test_several_runtimes_are_answered_in_one_line(ran: list[dict[str, Any]]) -> None:
    go(Person(runtime="podman, podman-keep-id"))
    assert ran[0]["runtimes"] == "podman podman-keep-id"


@pytest.mark.parametrize(
    ("answers", "option", "why"),
    [
        ({"runtime": "podmann"}, "--runtime", "podman"),
        ({"profile": "fast"}, "--profile", "there are: full, quick, trial"),
        ({"profile": "calibration"}, "--profile", "there are: full, quick, trial"),
        ({"site": "Not A Name"}, "evaluation site new", "no id for a site"),
    ],
)
def test_an_answer_that_is_none_stops_before_anything_is_measured(
    answers: dict[str, str], option: str, why: str, ran: list[dict[str, Any]]
) -> None:
    with pytest.raises(EvaluationError) as told:
        go(Person(**answers))
    assert told.value.where == option
    assert why in str(told.value)
    assert ran == []


def test_in_a_kit_the_file_to_send_lies_in_its_folder(
    ran: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EVALUATION_KIT", str(tmp_path / "kit"))
    go(Person())
    assert ran[1]["output"] == tmp_path / "kit" / "mysite-RUN.zip"
    go(Person(), output=Path("other.zip"))
    assert ran[3]["output"] == Path("other.zip")


def test_what_is_found_is_what_jobs_can_be_submitted_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert guiding.batch_systems_here() == ()
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    assert guiding.batch_systems_here() == ("slurm",)


def test_the_fake_machine_is_like_a_real_checkup() -> None:
    checkup = Checkup(site="x", measured_as="y", host=host_facts(), runtimes=(), checks=())
    assert hasattr(checkup, "as_text")
    assert hasattr(checkup, "runtimes")
