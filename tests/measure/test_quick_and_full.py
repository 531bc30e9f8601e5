"""Which probes a profile takes, and what a probe is told about its form."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench import TINY, measurement, probe
from made_up_run import manifest

import evaluation.measure.measurement as module
from evaluation.measure.measurement import prepared_form
from evaluation.probes.base import Session
from evaluation.store import FormFacts, Run


def note(session: Session) -> None:
    session.record("start", 1.0, "s")


@pytest.mark.parametrize(
    ("profile", "only", "taken"),
    [
        ("quick", (), {"cold_start"}),
        ("trial", (), {"cold_start"}),
        ("tiny", (), {"cold_start", "warm_start"}),
        ("quick", ("warm_start",), {"warm_start"}),
    ],
)
def test_the_quick_profile_leaves_out_what_takes_long_unless_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str, only: tuple[str, ...], taken: set[str]
) -> None:
    both = (probe(note, "cold_start"), replace(probe(note, "warm_start"), quick=False))
    monkeypatch.setattr(module, "discover", lambda: {item.id: item for item in both})
    monkeypatch.setattr(module, "group_of", lambda _: "group")
    monkeypatch.setattr(module, "why_enough", lambda *_, **__: "")
    run = Run.create(tmp_path / "results", manifest())
    with measurement(run, tmp_path / "scratch", replace(TINY, name=profile)) as opened:
        opened.measure("group", only=only)
    assert {item.probe for item in run.observations()} == taken


@pytest.mark.parametrize(
    ("form", "reference", "path"),
    [
        ("sif", "/cache/image.sif", "/cache/image.sif"),
        ("directory", "/cache/tree", "/cache/tree"),
        ("directory", "local:/cache/tree", "/cache/tree"),
        ("shifter", "id:00ff", ""),
        ("docker-store", "evaluation/small:1", ""),
        ("podman-store", "evaluation/small:1", ""),
    ],
)
def test_a_probe_is_told_where_a_form_lies_unless_that_is_an_engines_store(
    form: str, reference: str, path: str
) -> None:
    facts = FormFacts(
        runtime="made-up", form=form, reference=reference, size_bytes=7, convert_s=1.5, digest="a",
        first_start_s=0.5,
    )  # fmt: skip
    told = prepared_form(facts)
    assert (told.path, told.size_bytes, told.convert_s, told.first_start_s) == (path, 7, 1.5, 0.5)
