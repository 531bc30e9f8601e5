"""What is found here, and why the rest is not: by fake executables, for what real ones rarely do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from bench import fake_executable

from evaluation.measure import discovery
from evaluation.measure.discovery import FoundRuntime, discover
from evaluation.measure.launcher import Launcher
from evaluation.measure.user import ourselves
from evaluation.model import Role
from evaluation.runtimes.docker import CONTAINERD_STORE
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

        fake_executable(tmp_path / "bin" / "ch-convert", "true")
        yield look


def test_a_client_without_what_makes_its_images_is_not_here(found: Find, tmp_path: Path) -> None:
    """Charliecloud 0.21 of Debian 11 has no ``ch-convert``."""
    (tmp_path / "bin" / "ch-convert").unlink()
    for mode in ("charliecloud", "charliecloud-squashfs"):
        facts = found("echo 0.21", runtime=mode)
        assert not facts.present
        assert facts.reason == "installed, but ch-convert, which makes its images, is not on PATH"
        assert "apt-get install charliecloud" in facts.advice


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


@pytest.mark.parametrize(
    ("answer", "present"),
    [
        ("exit 0", True),
        ("exit 1", False),
        ("echo 'ch-run[7]: error: unknown feature: squash' >&2; exit 1", True),  # 0.31: a start will show it
        ("exit 127", True),
    ],
)
def test_what_was_built_without_a_mode_s_need_is_asked(found: Find, answer: str, *, present: bool) -> None:
    script = f"case $1 in --version) echo 0.38 ;; --feature) {answer} ;; esac"
    tree, mounted = (found(script, runtime=f"charliecloud{form}") for form in ("", "-squashfs"))
    assert tree.present
    # The fakes alone are on this PATH: whether the device may be used is asked after it, and cannot be told.
    closed = "/dev/fuse" in mounted.reason
    assert (mounted.present or closed) is present
    if not present:
        assert mounted.reason == "installed, but built without it: 'ch-run --feature squash' says no"


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


# -- modes of a runtime --------------------------------------------------------------------------------

ME = f"{os.getuid()}:{os.getgid()}"
DOCKER = """
case "$*" in
    *"context inspect"*) echo "$CONTEXT" ;;
    *version*) echo 20.10.24 ;;
esac
"""


@pytest.fixture
def docker_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FoundRuntime]:
    """Look for a runtime where ``docker`` is a fake and its engines say that they are of these kinds."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "env", "uname"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")

    def look(
        runtime: str, script: str = DOCKER, site: Site = LOCAL, *, socket: str = "unix:///root.sock",
        engines: Mapping[str, tuple[str, ...]] | None = None,
    ) -> FoundRuntime:  # fmt: skip
        fake_executable(tmp_path / "bin" / "docker", script)
        kinds = engines or {
            "unix:///root.sock": ("name=seccomp",),
            "unix:///run/me/docker.sock": ("name=seccomp", "name=rootless"),
        }
        monkeypatch.setattr(discovery, "_docker_security", lambda address: kinds[address])
        env = {"PATH": str(tmp_path / "bin"), "CONTEXT": socket, "XDG_RUNTIME_DIR": "/run/me"}
        with Launcher(replace(ourselves(), env=env)) as launcher:
            return {item.facts.id: item for item in discover(site, launcher)}[runtime]

    return look


@pytest.fixture
def docker_found(docker_looked: Callable[..., FoundRuntime]) -> Find:
    """Give the facts alone."""
    return lambda *words, **options: docker_looked(*words, **options).facts


def test_a_mode_is_what_its_base_is_and_says_who_measures(docker_found: Find) -> None:
    base, mode = docker_found("docker"), docker_found("docker-user")
    assert (mode.present, mode.version, mode.command) == (True, base.version, base.command)
    assert mode.security == base.security == ("name=seccomp",)
    assert mode.options == ("--user", ME)
    assert (mode.role, mode.timed, base.role, base.timed) == (Role.VARIANT, False, Role.ALTERNATIVE, True)
    unsafe = docker_found("docker-unsafe")
    assert (unsafe.present, unsafe.role, unsafe.timed) == (True, Role.POSITIVE_CONTROL, False)


@pytest.mark.parametrize("runtime", ["docker", "docker-user"])
def test_the_adapter_knows_that_the_engine_keeps_its_images_in_containerd(
    docker_looked: Callable[..., FoundRuntime], runtime: str
) -> None:
    assert CONTAINERD_STORE not in docker_looked(runtime).runtime.settings
    engines = dict.fromkeys(("unix:///root.sock", "unix:///run/me/docker.sock"), ("image store: containerd",))
    assert CONTAINERD_STORE in docker_looked(runtime, engines=engines).runtime.settings


@pytest.mark.parametrize(
    ("driver", "status", "told"),
    [
        ("overlayfs", [["driver-type", "io.containerd.snapshotter.v1"]], True),
        ("overlay2", [["Backing Filesystem", "extfs"], ["driver-type", "other"]], False),
        ("overlay2", None, False),
        ("overlay2", [["driver-type"]], False),
    ],
)
def test_containerds_image_store_is_told_by_its_driver(
    monkeypatch: pytest.MonkeyPatch, driver: str, status: object, *, told: bool
) -> None:
    class Engine:  # a fake of the library's client
        def info(self) -> dict[str, object]:
            return {"Driver": driver, "DriverStatus": status, "DefaultRuntime": "runc"}

        def close(self) -> None:
            pass

    monkeypatch.setattr(docker, "DockerClient", lambda base_url: Engine())  # noqa: ARG005
    facts = discovery._docker_security("unix:///made-up.sock")
    assert f"storage: {driver}" in facts
    assert ("image store: containerd" in facts) is told


def test_a_mode_whose_base_is_not_here_says_so_once(docker_found: Find) -> None:
    mode = docker_found("docker-user", "echo no daemon >&2; exit 1")
    assert mode.reason == "docker is not here: installed, but does not answer: no daemon"
    assert (mode.present, mode.advice) == (False, "")


def test_a_rootless_engine_has_its_own_address_and_says_why_it_is_not_here(docker_found: Find) -> None:
    here = docker_found("docker-rootless")
    assert here.engine_options == ("--host", "unix:///run/me/docker.sock")
    assert "name=rootless" in here.security
    absent = docker_found(
        "docker-rootless", 'case "$*" in *--host*) echo "Cannot connect to $2" >&2; exit 1;; esac;' + DOCKER
    )
    assert absent.reason == "installed, but does not answer: Cannot connect to unix:///run/me/docker.sock"
    assert "rootlesskit" in absent.advice
    assert docker_found("docker").present


def test_an_engine_of_the_other_kind_is_not_taken_for_what_it_is_not(docker_found: Find) -> None:
    pointed = docker_found("docker", socket="unix:///run/me/docker.sock")
    assert not pointed.present
    assert pointed.reason.startswith("the engine that answers is a rootless one")
    assert docker_found("docker-user", socket="unix:///run/me/docker.sock").reason.startswith("docker is not")
    kinds = {"unix:///root.sock": ("name=seccomp",), "unix:///run/me/docker.sock": ("name=seccomp",)}
    assert "the root daemon" in docker_found("docker-rootless", engines=kinds).reason
    silent: dict[str, tuple[str, ...]] = dict.fromkeys(kinds, ())
    assert docker_found("docker", engines=silent).present


PODMAN_ENGINE = """
case "$*" in
    *Components*) echo '[{"Name":"Podman Engine","Version":"4.3.1"},{"Name":"Engine"}]' ;;
    "--version") echo "Docker version 28.2.2, build e6534b4" ;;
    *"context inspect"*) echo unix:///root.sock ;;
    *version*) echo 4.3.1 ;;
esac
"""
PODMAN_DOCKER = """
echo "Emulate Docker CLI using podman." >&2
case "$*" in
    *Components*) echo null ;;
    *--version*) echo podman version 4.3.1 ;;
    *version*) echo 4.3.1 ;;
esac
"""


@pytest.mark.parametrize("script", [PODMAN_ENGINE, PODMAN_DOCKER])
def test_podman_that_answers_as_docker_is_not_measured_as_docker(docker_found: Find, script: str) -> None:
    facts = docker_found("docker", script)
    assert not facts.present
    assert facts.reason.startswith("docker here is Podman")
    assert not docker_found("docker-user", script).present


BUILDCFG = """
case "$1" in
    --version) echo "singularity-ce version 4.1.0" ;;
    buildcfg) printf 'PACKAGE_NAME=x\\nSINGULARITY_CONF_FILE=%s\\nSINGULARITY_SUID_INSTALL=%s\\n' CONF SUID ;;
esac
"""


@pytest.mark.parametrize(
    ("suid", "allowed", "told"),
    [
        ("1", "allow setuid = yes", "setuid helper: installed"),
        ("1", " allow setuid = no", "setuid helper: installed, and switched off (allow setuid = no in "),
        ("0", "allow setuid = yes", "setuid helper: not installed"),
    ],
)
@pytest.mark.parametrize("prefix", ["SINGULARITY", "APPTAINER"])
def test_both_products_tell_of_their_setuid_helper(
    tmp_path: Path, prefix: str, suid: str, allowed: str, told: str
) -> None:
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "cat", "env", "uname"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    settings = tmp_path / "x.conf"
    settings.write_text(f"# allow setuid = no\n{allowed}\n")
    script = BUILDCFG.replace("SINGULARITY_", f"{prefix}_").replace("CONF ", f"{settings} ")
    fake_executable(tmp_path / "bin" / "singularity", script.replace("SUID ", f"{suid} "))
    with Launcher(replace(ourselves(), env={"PATH": str(tmp_path / "bin")})) as launcher:
        facts = {item.facts.id: item.facts for item in discover(LOCAL, launcher)}["apptainer"]
    assert facts.security[0].startswith(told)
    assert facts.mode == "image file", "nothing was started, so nothing is said of privilege"


def site(**settings: RuntimeSetting) -> Site:
    named = {name.replace("_", "-"): setting for name, setting in settings.items()}
    return LOCAL.model_copy(update={"runtimes": named})


def test_what_a_site_says_of_a_runtime_holds_for_its_modes(docker_found: Find, tmp_path: Path) -> None:
    own = fake_executable(tmp_path / "opt" / "docker", DOCKER)
    there = site(docker=RuntimeSetting(executable=str(own), options=("--init",)))
    mode = docker_found("docker-user", site=there)
    assert (mode.command, mode.options) == (str(own), ("--user", ME, "--init"))
    # It could harden the control, which then would show nothing.
    assert "--init" not in docker_found("docker-unsafe", site=there).options
    forbidden = site(docker=RuntimeSetting(forbidden="no daemon of root's"))
    assert docker_found("docker-user", site=forbidden).reason.endswith(
        "does not permit it: no daemon of root's"
    )


def test_a_site_may_speak_of_a_mode_alone(docker_found: Find, tmp_path: Path) -> None:
    refused = site(docker_unsafe=RuntimeSetting(forbidden="not even as a control"))
    assert docker_found("docker", site=refused).present
    unsafe = docker_found("docker-unsafe", site=refused)
    assert (unsafe.present, unsafe.reason) == (
        False, "the site does not permit it: not even as a control",
    )  # fmt: skip
    there = site(
        docker=RuntimeSetting(options=("--init",)), docker_user=RuntimeSetting(options=("--group-add", "9"))
    )
    assert docker_found("docker-user", site=there).options == ("--user", ME, "--group-add", "9")
    own = fake_executable(tmp_path / "opt" / "docker", DOCKER)
    there = site(docker_user=RuntimeSetting(executable=str(own)))
    assert docker_found("docker-user", site=there).command == str(own)
    assert docker_found("docker-user", site=there).role is Role.VARIANT
