"""What is found here, and why the rest is not: by fake executables, for what real ones rarely do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable

from evaluation.measure import discovery
from evaluation.measure.discovery import discover
from evaluation.measure.launcher import Launcher
from evaluation.measure.user import ourselves
from evaluation.sites import RuntimeSetting, Site, load_site
from evaluation.store import RuntimeFacts

LOCAL = load_site("local", Path(__file__).parents[2] / "sites")
Find = Callable[..., RuntimeFacts]


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Find]:
    """Look for Charliecloud where ``ch-run`` is a fake with this script."""
    # Only the fakes and the shell's own tools: no runtime of this machine.
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "env", "uname", "sleep", "kill"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    with Launcher(replace(ourselves(), env={"PATH": str(tmp_path / "bin")})) as launcher:

        def look(script: str = "", site: Site = LOCAL, runtime: str = "charliecloud") -> RuntimeFacts:
            if script:
                fake_executable(tmp_path / "bin" / "ch-run", script)
            facts = {item.facts.id: item.facts for item in discover(site, launcher)}
            return facts[runtime]

        yield look


def test_what_is_here_has_a_version_and_its_path(found: Find, tmp_path: Path) -> None:
    facts = found("echo 0.99")
    assert (facts.present, facts.version, facts.reason, facts.advice) == (True, "0.99", "", "")
    assert facts.command == str(tmp_path / "bin" / "ch-run")


def test_a_version_on_standard_error_is_one(found: Find) -> None:
    assert found("echo 0.31 >&2").version == "0.31"


def test_what_is_not_here_says_so_and_what_to_do(found: Find) -> None:
    for runtime in ("docker", "podman", "apptainer", "charliecloud", "shifter"):
        facts = found(runtime=runtime)
        assert not facts.present
        assert "not installed" in facts.reason
        assert facts.advice


def test_the_bare_host_is_always_here(found: Find) -> None:
    facts = found(runtime="host")
    assert facts.present
    assert facts.version.startswith("Linux ")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo trouble >&2; exit 1", "installed, but does not answer: trouble"),
        ("exit 0", "installed, but does not answer: it said nothing"),
        ("exit 3", "installed, but does not answer: it said nothing"),
        ("echo dying >&2; kill -SEGV $$", "installed, but ended by signal 11: dying"),
        ("echo my own make", "installed, but what it says is no version: my own make"),
        ("printf '\\033[31m'", "installed, but what it says is no version: it said nothing"),
    ],
)
def test_what_is_here_but_does_not_work_says_how(found: Find, script: str, reason: str) -> None:
    facts = found(script)
    assert (facts.present, facts.version, facts.reason) == (False, "", reason)


def test_what_hangs_is_not_waited_for(found: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_ANSWER_S", 0.5)
    assert found("sleep 600").reason == "installed, but does not answer within 0.5 s"


def test_what_may_not_be_run_says_so(found: Find, tmp_path: Path) -> None:
    fake_executable(tmp_path / "bin" / "ch-run", "echo 1").chmod(0o644)
    assert not found().present


def test_a_version_is_one_line_that_steers_no_terminal(found: Find) -> None:
    assert found("printf '1.0\\033[2J\\007\\nand more\\n'").version == "1.0"
    assert len(found("printf '1%0999d' 0").version) == 200


def test_what_the_site_forbids_is_not_even_tried(found: Find, tmp_path: Path) -> None:
    site = LOCAL.model_copy(
        update={"runtimes": {"charliecloud": RuntimeSetting(forbidden="by the security officer")}}
    )
    facts = found(f"touch {tmp_path / 'tried'}; echo 1.0", site)
    assert facts.reason == "the site does not permit it: by the security officer"
    assert not (tmp_path / "tried").exists()


def test_the_sites_own_executable_and_options_are_used(found: Find, tmp_path: Path) -> None:
    own = fake_executable(tmp_path / "opt" / "ch-run", "echo 7.7")
    setting = RuntimeSetting(executable=str(own), options=("--unset-env=X",))
    site = LOCAL.model_copy(update={"runtimes": {"charliecloud": setting}})
    facts = found("echo 1.0", site)
    assert (facts.version, facts.command, facts.options) == ("7.7", str(own), ("--unset-env=X",))
