import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import evaluation.probes.security
from evaluation.errors import EvaluationError
from evaluation.probes import registry
from evaluation.probes.faults import probe_faults
from evaluation.probes.registry import FaultyProbeError, UnknownProbeError, discover, find, group_of

SECURITY = {
    "P01": "host_root_identity",
    "P05": "no_new_privileges",
    "P06": "setuid_escalation",
    "P15": "setuid_planting",
    "P29": "host_process_signalling",
    "P33": "grid_proxy_exposure",
    "P36": "environment_secret_inheritance",
    "P39": "host_filesystem_bind",
}


def test_every_probe_is_found_in_its_group() -> None:
    groups: dict[str, set[str]] = {}
    for id_ in discover():
        groups.setdefault(group_of(id_), set()).add(id_)
    assert groups["performance"] >= {
        "cold_start",
        "import_storm",
        "metadata_rate",
        "syscall_rate",
        "cpu_rate",
    }
    assert groups["security"] >= set(SECURITY.values())
    assert groups["operations"] >= {"output_ownership", "signal_delivery", "host_network_visibility"}
    assert list(groups) == list(registry.GROUPS)


@pytest.mark.parametrize(("number", "id_"), SECURITY.items())
def test_a_probe_is_found_by_its_number_on_the_checklist(number: str, id_: str) -> None:
    assert find(number) is find(number.lower()) is find(id_)


def test_a_dash_does_as_an_underscore() -> None:
    assert find("cold-start").id == "cold_start"


def test_an_unknown_name_is_answered_with_those_alike() -> None:
    with pytest.raises(UnknownProbeError, match="did you mean cold_start"):
        find("cold_strat")
    with pytest.raises(UnknownProbeError, match=r"there are: .*cold_start"):
        find("zzz")


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files count as security probes too."""
    monkeypatch.setattr(evaluation.probes.security, "__path__", [str(tmp_path)])
    before = set(sys.modules)
    registry._found.cache_clear()
    yield tmp_path
    registry._found.cache_clear()
    for name in set(sys.modules) - before:
        if name.startswith("evaluation.probes.security."):
            del sys.modules[name]


def test_a_file_without_a_probe_is_told(planted: Path) -> None:
    (planted / "empty_probe.py").write_text("")
    with pytest.raises(FaultyProbeError, match=r"security/empty_probe\.py: the file defines no PROBE"):
        discover()


def test_a_probe_of_another_name_is_told(planted: Path) -> None:
    (planted / "other_name.py").write_text("from evaluation.probes.performance.cold_start import PROBE\n")
    with pytest.raises(FaultyProbeError, match=r"id is cold_start, but its file is other_name\.py"):
        discover()


def test_two_probes_of_one_name_are_told(planted: Path) -> None:
    (planted / "cold_start.py").write_text("from evaluation.probes.performance.cold_start import PROBE\n")
    with pytest.raises(FaultyProbeError, match="there is a probe cold_start in performance too"):
        discover()


def test_two_attempts_of_one_number_are_told(planted: Path) -> None:
    copied = Path(registry.__file__).parent / "security" / "setuid_planting.py"
    for name in ("setuid_planting", "setuid_planting_again"):
        text = copied.read_text().replace('id="setuid_planting"', f'id="{name}"')
        (planted / f"{name}.py").write_text(text)
    with pytest.raises(
        FaultyProbeError, match=r"setuid_planting has the number P15 of the checklist already"
    ):
        find("P15")


@pytest.mark.parametrize("stem", ["my-probe", "MyProbe", "2nd"])
def test_a_file_that_could_not_be_called_is_told(planted: Path, stem: str) -> None:
    (planted / f"{stem}.py").write_text("from evaluation.probes.performance.cold_start import PROBE\n")
    with pytest.raises(
        FaultyProbeError, match=rf"security/{stem}\.py: a probe's file is named in lower case"
    ):
        discover()


def test_a_workload_with_a_dash_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    dashed = replace(find("cold_start"), id="my-job")
    monkeypatch.setattr(registry, "_workloads", lambda: (dashed,))
    registry._found.cache_clear()
    try:
        assert find("my-job") is find("my_job") is dashed
        assert group_of("my-job") == "performance"
    finally:
        registry._found.cache_clear()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("import os\nimport no_such_module\n", 2, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("\n\ndef observe(:\n", 3, "SyntaxError: invalid syntax"),
        ("from evaluation.model import Nothing\n", 1, "ImportError: cannot import name 'Nothing'"),
        ("\nPROBE = undefined\n", 2, "NameError: name 'undefined' is not defined"),
        (
            "from evaluation.probes.base import Probe\nPROBE = Probe(id='broken')\n",
            2,
            "TypeError: Probe.__init__",
        ),
    ],
)
def test_a_probe_that_cannot_be_imported_is_one_sentence(
    planted: Path, text: str, line: int, said: str
) -> None:
    (planted / "broken.py").write_text(text)
    with pytest.raises(EvaluationError) as told:
        discover()
    assert told.value.where == f"broken.py:{line}"
    assert told.value.what.startswith(f"this probe cannot be imported: {said}")
    (fault,) = probe_faults()
    assert (fault.path, fault.line, fault.message) == ("broken.py", line, told.value.what)
