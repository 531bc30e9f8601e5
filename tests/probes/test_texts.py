"""What every probe owes its reader and its tools: `evaluation validate` tells each fault with its line."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.model import Reference
from evaluation.probes import faults as module
from evaluation.probes.base import Probe
from evaluation.probes.faults import complaints, probe_faults
from evaluation.probes.registry import discover, find, group_of

IMAGES = [path.parent.name for path in (Path(__file__).parents[2] / "images").glob("*/image.yaml")]


@pytest.mark.parametrize("probe", discover().values(), ids=lambda probe: probe.id)
def test_every_probe_is_complete(probe: Probe) -> None:
    assert list(complaints(probe, group_of(probe.id), IMAGES)) == []
    texts = probe.texts("security")
    assert (texts.severity, texts.severity_reason) == (probe.severity, probe.severity_reason)


def test_validate_finds_nothing_in_ours() -> None:
    assert probe_faults(IMAGES) == []


@pytest.mark.parametrize(
    ("probe", "changes", "field", "message"),
    [
        ("cold_start", {"question": "How long"}, "question", "should end with a question mark"),
        ("cold_start", {"why": "Too short."}, "why", "should have at least 10 words"),
        ("cold_start", {"remedy": "no full stop " * 9}, "remedy", "should end with a full stop"),
        (
            "cold_start",
            {"why": "Two  spaces " * 9 + "."},
            "why",
            "should have single spaces between its words",
        ),
        ("cold_start", {"method": "It is measured. " * 9}, "method", "should name the control, in that word"),
        ("cold_start", {"version": 0}, "version", "should be at least 1"),
        ("cold_start", {"repeat": "onec"}, "repeat", "unknown way to repeat 'onec'; did you mean 'once'?"),
        ("cold_start", {"needs": ("payloda",)}, "needs", "unknown need 'payloda'; did you mean 'payload'?"),
        ("cold_start", {"needs": ("batch",)}, "needs", "should have 'batch' in the group batch, and nowhere"),
        ("cold_start", {"unit": ""}, "unit", "should be given in the group performance, and nowhere else"),
        ("P15", {"repeat": "paired"}, "repeat", "should be 'once', or there should be a unit"),
        ("P15", {"bare": True}, "bare", "should not go with the need 'payload'"),
        ("cold_start", {"image": "smal"}, "image", "unknown image 'smal'; did you mean 'small'?"),
        (
            "cold_start",
            {"checklist_id": "P99"},
            "checklist_id",
            "should be given in the group security alone",
        ),
        ("P15", {"checklist_id": "15"}, "checklist_id", "should be the attempt's number in the security"),
        ("P15", {"severity": None}, "severity", "should say how severe an exposure is"),
        ("signal_delivery", {"turns": 0}, "turns", "should be at least 1"),
        ("cold_start", {"turns": 6}, "turns", "should be 1"),
        ("signal_delivery", {"modes": True}, "modes", "should not be given"),
        ("P15", {"severity_reason": "It is bad."}, "severity_reason", "should be a sentence of at least 8"),
        ("P15", {"references": ()}, "references", "should name at least one, which was looked up"),
        (
            "P15",
            {"references": (Reference(title="x", url="http://x"),)},
            "references",
            "each should have a title",
        ),
    ],
)
def test_each_fault_is_found(probe: str, changes: dict[str, Any], field: str, message: str) -> None:
    faulty = replace(find(probe), **changes)
    found = list(complaints(faulty, group_of(find(probe).id), IMAGES))
    assert any(name == field and said.startswith(message) for name, said in found), found


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A probe of a file of its own, whose image there is not."""
    path = tmp_path / "cold_start.py"
    source = Path(__file__).parents[2] / "evaluation" / "probes" / "performance" / "cold_start.py"
    path.write_text(source.read_text().replace("    unit=", '    image="smal",\n    unit='))
    probe = replace(find("cold_start"), image="smal")
    monkeypatch.setattr(module, "discover", lambda: {probe.id: probe})
    home = sys.modules[probe.observe.__module__]
    monkeypatch.setattr(home, "PROBE", probe)
    monkeypatch.setattr(home, "__file__", str(path))
    return path


def test_a_fault_is_told_with_its_file_and_line(faulty: Path) -> None:
    (fault,) = probe_faults(IMAGES)
    line = faulty.read_text().splitlines().index('    image="smal",') + 1
    assert (fault.path, fault.line) == ("cold_start.py", line)
    assert fault.message == "image: unknown image 'smal'; did you mean 'small'?"
