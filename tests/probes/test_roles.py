"""Who is asked what: alternatives everything, modes what is asked once, the positive control attempts."""

import pytest

from evaluation.model import Role
from evaluation.probes.registry import discover, group_of
from evaluation.probes.roles import takes_part

PROBES = list(discover().values())


@pytest.mark.parametrize("role", Role)
def test_who_is_timed_is_asked_everything(role: Role) -> None:
    assert all(takes_part(role, probe, timed=True) for probe in PROBES)


@pytest.mark.parametrize(
    ("role", "groups"),
    [
        (Role.VARIANT, {"security", "operations", "batch"}),
        (Role.POSITIVE_CONTROL, {"security"}),
        (Role.ALTERNATIVE, set()),
        (Role.BASELINE, set()),
    ],
)
def test_who_is_not_is_asked_what_is_asked_once(role: Role, groups: set[str]) -> None:
    asked = {probe.id for probe in PROBES if takes_part(role, probe, timed=False)}
    assert asked == {probe.id for probe in PROBES if probe.repeat == "once" and group_of(probe.id) in groups}
    assert bool(asked) == bool(groups)
