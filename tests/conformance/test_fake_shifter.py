"""The Shifter adapter against a FAKE shifter that plays its contract: no claim about the real one.

It shows that the adapter and the conformance list fit the contract, so that on a site that has Shifter
whatever fails is news.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fake_client import place_payload

from evaluation.measure.conformance import CHECKS, Check, examine
from evaluation.measure.launcher import Launcher
from evaluation.measure.session import Arm, Bench
from evaluation.measure.user import measuring_user
from evaluation.model import Bind, Outcome
from evaluation.runtimes.shifter import RUNTIMES, Shifter
from evaluation.testing import is_fake


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeShifter(Shifter):
    """The real adapter, except that volumes are seen below a directory of the fake's."""

    root: str

    def sees(self, bind: Bind) -> str:
        return f"{self.root}{bind.target}"


@pytest.fixture(scope="module")
def stage() -> Iterator[tuple[Bench, Arm]]:
    scratch = Path(tempfile.mkdtemp(prefix="evaluation-tests-"))
    scratch.chmod(0o755)
    root = scratch / "root"
    root.mkdir()
    root.chmod(0o777)
    shutil.copy(Path(__file__).with_name("fake_client.py"), scratch)
    command = scratch / "shifter"
    command.write_text("#!/usr/bin/env python3\n" + Path(__file__).with_name("fake_shifter.py").read_text())
    command.chmod(0o755)
    user = measuring_user("nobody" if os.getuid() == 0 else "")
    user = replace(user, env={**user.env, "FAKE_SHIFTER_ROOT": str(root)})
    original = RUNTIMES[0]
    runtime = FakeShifter(
        id="fake-shifter",
        family=original.family,
        mode="made up for a test",
        form=original.form,
        commands=(str(command),),
        root=str(root),
    )
    try:
        with Launcher(user) as launcher:
            if not launcher.find("python3"):
                pytest.skip(f"{user.name} finds no python3")
            bench = Bench(
                launcher=launcher,
                verifier=launcher,
                payload=place_payload(scratch / "payload"),
                scratch=scratch,
            )
            reference = f"local:{scratch}"
            yield bench, Arm(id=runtime.id, runtime=runtime, reference=reference, image_digest="made up")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_adapter_fits_the_contract(check: Check, stage: tuple[Bench, Arm]) -> None:
    bench, arm = stage
    assert is_fake(arm.id)
    result = examine(check, bench, arm)
    assert result.outcome is Outcome.HOLDS, result.message
