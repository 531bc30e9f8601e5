"""Who is asked what: alternatives everything, modes what is asked once, the positive control attempts."""

import pytest

from evaluation.model import Role
from evaluation.probes.registry import discover, group_of
from evaluation.probes.roles import takes_part

PROBES = list(discover().values())


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.BESIDE])
def test_who_is_timed_is_asked_everything(role: Role) -> None:
    assert all(takes_part(role, probe, timed=True) for probe in PROBES)


@pytest.mark.parametrize(
    ("role", "groups"),
    [
        (Role.VARIANT, {"security", "operations", "batch"}),
        (Role.POSITIVE_CONTROL, {"security"}),
        (Role.ALTERNATIVE, {"security", "operations", "batch"}),
        (Role.BASELINE, set()),
    ],
)
def test_who_is_not_is_asked_what_is_asked_once(role: Role, groups: set[str]) -> None:
    asked = {probe.id for probe in PROBES if takes_part(role, probe, timed=False)}
    once = {probe.id for probe in PROBES if probe.repeat == "once" and group_of(probe.id) in groups}
    assert asked == once | ({"cold_start"} if role is Role.VARIANT else set())
    assert bool(asked) == bool(groups)


def test_what_is_no_container_is_asked_a_few_figures_and_nothing_else_whoever_names_it() -> None:
    for timed in (False, True):
        asked = {probe.id for probe in PROBES if takes_part(Role.BESIDE, probe, timed=timed)}
        assert asked == {
            "cold_start", "warm_start", "container_memory", "cpu_rate", "memory_bandwidth", "metadata_rate",
            "open_rate", "bind_read", "bind_write",
        }  # fmt: skip
