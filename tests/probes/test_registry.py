import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import evaluation.probes.security
from evaluation.probes import registry
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
    with pytest.raises(FaultyProbeError, match=r"security\.empty_probe: the file defines no PROBE"):
        discover()


def test_a_probe_of_another_name_is_told(planted: Path) -> None:
    (planted / "other_name.py").write_text("from evaluation.probes.performance.cold_start import PROBE\n")
    with pytest.raises(FaultyProbeError, match=r"id is cold_start, but its file is other_name\.py"):
        discover()


def test_two_probes_of_one_name_are_told(planted: Path) -> None:
    (planted / "cold_start.py").write_text("from evaluation.probes.performance.cold_start import PROBE\n")
    with pytest.raises(FaultyProbeError, match="there is a probe cold_start in performance too"):
        discover()
