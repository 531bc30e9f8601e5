"""Made-up results for tests, and labelled so: nothing here was measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

from evaluation.model import Evidence, Observation
from evaluation.store import HostFacts, Manifest, RuntimeFacts
from evaluation.testing import FAKE

LABEL = "synthetic: made up for a test, nothing was measured"


def manifest(run: str = "20260101T000000Z-made-up", site: str = "local") -> Manifest:
    return Manifest(
        site=site,
        run=run,
        profile="quick",
        seed=1,
        plan="made up",
        tool_version="0",
        started_at="2026-01-01T00:00:00.000+00:00",
        measured_as="nobody",
        as_root=False,
        label=LABEL,
        host=HostFacts(
            system=FAKE,
            kernel=FAKE,
            architecture=FAKE,
            cpu=FAKE,
            cores=1,
            memory_bytes=1,
            cgroup=FAKE,
            virtualisation=FAKE,
            mitigations=FAKE,
            lsm=FAKE,
        ),
        runtimes=(
            RuntimeFacts(id="host", family="host", mode="bare", present=True, version=FAKE),
            RuntimeFacts(id="shifter", family="shifter", mode="setuid", present=False, reason="not here"),
        ),
    )


def observation(block: int = 0, runtime: str = "host", **changes: object) -> Observation:
    item = Observation(
        probe="cold_start",
        probe_version=1,
        runtime=runtime,
        block=block,
        order=0,
        name="start",
        value=0.25,
        unit="s",
        repetition=0,
        warm_up=False,
        evidence=(),
        image_digest="",
        observed_at="2026-01-01T00:00:00.000+00:00",
    )
    return replace(item, **changes)  # type: ignore[arg-type]


def evidence(stdout: bytes = b"", stderr: bytes = b"", argv: tuple[str, ...] = (FAKE,)) -> Evidence:
    item = Evidence(
        id="",
        argv=argv,
        cwd="/",
        started_at="2026-01-01T00:00:00.000+00:00",
        duration_s=0.1,
        exit_status=0,
        timed_out=False,
        stdout=hashlib.sha256(stdout).hexdigest(),
        stdout_bytes=len(stdout),
        stderr=hashlib.sha256(stderr).hexdigest(),
        stderr_bytes=len(stderr),
        cpu_s=None,
        max_rss_bytes=None,
    )
    return replace(item, id=hashlib.sha256(json.dumps(asdict(item)).encode()).hexdigest())
