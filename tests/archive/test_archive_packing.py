"""What leaves a site: only listed fields, nothing private in them, and the same decision afterwards."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import BaseModel
from travelling import (
    KEY,
    PLANTED,
    PRIVATE,
    SECRETS,
    hider,
    packed,
    planted_manifest,
    planted_run,
    secrets_in,
)

from evaluation.archive.fields import EVIDENCE, MANIFEST, OBSERVATION, RESIDUE, Rule, allowed
from evaluation.archive.hiding import Hider, Private
from evaluation.archive.importing import add
from evaluation.archive.packing import pack
from evaluation.errors import EvaluationError
from evaluation.manifest import Manifest
from evaluation.model import Evidence, Observation
from evaluation.store import Run


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_nothing_private_is_in_an_archive_though_it_was_in_every_text_and_transcript(tmp_path: Path) -> None:
    run = planted_run(tmp_path / "results")
    for name in ("manifest.json", "evidence.jsonl", "residue.jsonl"):
        assert secrets_in((run.path / name).read_text()) == list(SECRETS)  # it was there
    pack(run, hider()).write(tmp_path / "run.zip")
    raw = (tmp_path / "run.zip").read_bytes().decode("latin-1")
    assert secrets_in(raw) == []
    for name, text in contents(tmp_path / "run.zip").items():
        assert secrets_in(text) == [], name
        assert secrets_in(json.dumps(text).encode().decode("unicode_escape")) == [], name


def test_a_field_that_is_not_planted_would_not_be_tested() -> None:
    """Every text of the made-up manifest, but the names that this project gives, holds the sentence."""

    def texts(value: object, rules: object) -> list[str]:
        if isinstance(rules, Mapping):
            assert isinstance(value, Mapping)
            one = rules.get("*")
            return [text for name in value for text in texts(value[name], one or rules[name])]
        if isinstance(value, list):
            return [text for item in value for text in texts(item, rules)]
        return [value] if rules is Rule.TEXT and isinstance(value, str) else []

    def every(value: object, rules: object) -> list[str]:
        if isinstance(value, list):
            return [text for item in value for text in every(item, rules)]
        if isinstance(value, Mapping) and isinstance(rules, Mapping):
            return [text for name in value for text in every(value[name], rules.get("*") or rules[name])]
        return texts(value, rules)

    found = every(planted_manifest().model_dump(mode="json"), MANIFEST)
    assert len(found) > 40
    assert all(PLANTED in text for text in found)


def names_of(model: type[BaseModel]) -> dict[str, object]:
    """Field names of a model and of those within it, as nested as `MANIFEST`."""
    found: dict[str, object] = {}
    for name, field in model.model_fields.items():
        inner = [part for part in _parts(field.annotation) if _is_model(part)]
        found[name] = names_of(inner[0]) if inner else None
    return found


def _parts(annotation: object) -> list[type[BaseModel]]:
    inner = [part for arg in getattr(annotation, "__args__", ()) for part in _parts(arg)]
    return inner or [annotation]  # type: ignore[list-item]


def _is_model(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def listed(rules: object) -> object:
    if isinstance(rules, Mapping) and "*" not in rules:
        return {name: listed(rule) for name, rule in rules.items()}
    return None


def test_every_field_there_is_was_decided_about() -> None:
    """A new field does not leave until somebody has said what is done to it; this says so."""
    assert listed(MANIFEST) == names_of(Manifest)
    assert {*OBSERVATION} == {field.name for field in fields(Observation)}
    assert {*EVIDENCE} == {field.name for field in fields(Evidence)}
    assert {*RESIDUE} == {"looked_at", "left"}


def test_what_is_not_listed_does_not_leave() -> None:
    value = {"looked_at": "2026-01-01T00:00:00Z", "left": [], "hostname": "x", "extra": {"a": 1}}
    assert allowed(value, RESIDUE, hider(), "here") == {"looked_at": value["looked_at"], "left": []}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (Rule.WORD, "a\nb"),
        (Rule.WORD, "<script>"),
        (Rule.WORD, {"a": "b"}),
        (Rule.WORD, 1),
        (Rule.DIGEST, "zoe-quark"),
        (Rule.MOMENT, "yesterday"),
        (Rule.FIGURE, "zoe-quark"),
        (Rule.KEYED, "zoe-quark"),
        (Rule.HOST, 5),
        (Rule.TEXT, {"a": "b"}),
        (RESIDUE, "text"),
    ],
)
def test_what_has_another_shape_than_its_field_stops_everything(rule: Rule, value: object) -> None:
    with pytest.raises(EvaluationError, match="not known whether it may leave"):
        allowed(value, rule, hider(), "here")


def test_a_private_name_where_only_ours_may_stand_is_named_and_can_be_released(tmp_path: Path) -> None:
    run = planted_run(tmp_path / "results", "nothing")
    private = Private(users=frozenset({"docker"}))
    with pytest.raises(EvaluationError, match="'docker', which is the name of a host or a user") as caught:
        pack(run, Hider(key=KEY, private=private))
    assert "--public docker" in caught.value.advice


def test_an_archive_is_the_same_to_the_byte_each_time(tmp_path: Path) -> None:
    one = packed(tmp_path / "one", tmp_path / "one.zip")
    other = packed(tmp_path / "other", tmp_path / "other.zip")
    assert one.read_bytes() == other.read_bytes()


def test_an_imported_run_passes_verify_and_has_the_same_values(tmp_path: Path) -> None:
    run = planted_run(tmp_path / "results")
    pack(run, hider()).write(tmp_path / "run.zip")
    again = add(tmp_path / "run.zip", tmp_path / "elsewhere").run
    again.verify()
    assert again.complete
    assert again.finished_at == run.finished_at
    assert again.turns_done() == run.turns_done()
    for before, after in zip(run.observations(), again.observations(), strict=True):
        assert (before.probe, before.runtime, before.block) == (after.probe, after.runtime, after.block)
        assert isinstance(after.value, str) or before.value == after.value
        assert before.evidence != after.evidence
        assert {*after.evidence} <= {*again.evidence()}
    assert len(again.evidence()) == len(run.evidence())
    assert (again.path / "executed").exists() is False


def test_transcripts_say_that_they_were_changed_and_the_originals_can_be_told_by_the_site(
    tmp_path: Path,
) -> None:
    run = planted_run(tmp_path / "results")
    package = pack(run, hider())
    package.write(tmp_path / "run.zip")
    again = add(tmp_path / "run.zip", tmp_path / "elsewhere").run
    said = again.archived
    assert said is not None
    assert (said.transcripts, said.changed, said.withheld) == (7, 7, 1)  # six of stdout, one of stderr
    originals = {hider().keyed("digest", digest) for digest in run.outputs()}
    assert {*said.outputs.values()} <= originals
    assert {*said.outputs} <= {*again.outputs()}
    # and whoever has only the archive cannot test a guess: no plain digest of an original is in it
    text = "".join(contents(tmp_path / "run.zip").values())
    assert not [digest for digest in run.outputs() if digest in text and digest not in again.outputs()]
    assert any(b"bytes that are no text stayed at the site" in data for data in again.outputs().values())


def test_the_run_itself_says_nothing_of_an_archive(tmp_path: Path) -> None:
    assert planted_run(tmp_path).archived is None


def test_what_leaves_is_listed_with_what_stays(tmp_path: Path) -> None:
    listing = pack(planted_run(tmp_path), hider()).listing()
    for name in ("manifest.json", "observations.jsonl", "evidence.jsonl", "outputs.jsonl", "residue.jsonl"):
        assert name in listing
    assert "this stays: executed" in listing
    assert "names of users" in listing
    assert "1 withheld" in listing


def test_a_run_that_is_not_finished_or_was_changed_is_not_packed(tmp_path: Path) -> None:
    open_run = Run.create(tmp_path / "open", planted_manifest("x"))
    with pytest.raises(EvaluationError, match="not finished"):
        pack(open_run, hider())
    changed = planted_run(tmp_path / "changed")
    with (changed.path / "outputs.jsonl").open("a") as stream:
        stream.write("{}\n")
    with pytest.raises(EvaluationError, match="cut or changed"):
        pack(changed, hider())


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    package = pack(planted_run(tmp_path), hider())
    with pytest.raises(EvaluationError, match="cannot be written") as caught:
        package.write(tmp_path / "nowhere" / "run.zip")
    assert "--output" in caught.value.advice
    assert PRIVATE.users
