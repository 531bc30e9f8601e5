"""What some attempts stand on, and not every machine has: a container or a newer kernel shows less."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.probes.devices import canary_disk


def require(attempt: str) -> None:
    """Skip where the host has nothing to show the attempt on: its verdict is INERT or ABSENT there."""
    if attempt == "P16":
        with canary_disk() as disk:
            if disk is None:
                pytest.skip("no loop device can be made here")
    if attempt == "P28" and not release_agents():
        pytest.skip("no release agent is in sight: control groups of version 2, or a namespace of them")


def release_agents(mounts: Path = Path("/proc/self/mountinfo")) -> list[Path]:
    """Find the release agents of the hierarchies of version 1 that are mounted here."""
    fields = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    found = [Path(each[4]) / "release_agent" for each in fields if each[each.index("-") + 1] == "cgroup"]
    return [path for path in found if path.exists()]
