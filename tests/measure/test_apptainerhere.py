"""How Apptainer and SingularityCE are found to work: by FAKE commands; no container is started here.

What SingularityCE answers is written from its source (4.5.1): a contract that was never run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from bench import fake_executable
from reachable import reachable

from evaluation.images.build import BuiltImage
from evaluation.images.convert import ConvertedForm
from evaluation.manifest import RuntimeFacts, fact
from evaluation.measure import apptainerhere, forms
from evaluation.measure.apptainerhere import KERNEL, SETUID, confinement, seen, with_what_is_seen
from evaluation.measure.discovery import FoundRuntime, discover
from evaluation.measure.launcher import Launcher
from evaluation.measure.user import ourselves
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import Runtime
from evaluation.sites import RuntimeSetting, load_site

LOCAL = load_site("local", Path(__file__).parents[2] / "sites")
NAMESPACES = pytest.mark.skipif(
    subprocess.run(["unshare", "--user", "--map-root-user", "true"], check=False).returncode != 0,
    reason="no user namespace can be made here",
)
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root has capabilities, and can give a setuid bit")

START = """
source= ; for word in "$@"; do case $word in *:/work) source=${word%:/work} ;; esac; done
while [ "$1" != /bin/sh ]; do shift; done
script=$(printf %s "$3" | sed "s#/work/#$source/#")
"""
"""A fake's start: the command is run on the host, and finds outside what it would find in /work."""
PLAIN = '/bin/sh -c "$script" "$4"'


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    with Launcher(replace(ourselves(), env={"PATH": os.environ["PATH"]})) as started:
        yield started


def installed(
    folder: Path, *, product: str = "APPTAINER", suid: str = "1", settings: str | None = "", start: str = ""
) -> Runtime:
    """Lay out an installation of fakes; without ``settings`` its configuration cannot be read."""
    if settings is not None:
        (folder / "x.conf").write_text(settings)
    script = f"""case $1 in
        --version) echo "{product.lower().replace("apptainer", "apptainer version 1.4.5")}" ;;
        buildcfg) echo {product}_CONF_FILE={folder}/x.conf; echo {product}_SUID_INSTALL={suid}
            echo LIBEXECDIR={folder}/libexec ;;
        exec) {start} ;;
    esac"""
    command = fake_executable(folder / "apptainer", script)
    return replace(known_runtimes()["apptainer"], commands=(str(command),))


def starter(folder: Path, mode: int) -> None:
    program = folder / "libexec" / "apptainer" / "bin" / "starter-suid"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch()
    program.chmod(mode)


# -- what is configured --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "key", "told"),
    [
        ("Apptainer 1.4.5", "allow setuid-mount squashfs", "iflimited (default)"),
        ("Apptainer 1.2.5", "allow setuid-mount squashfs", "yes (default)"),
        ("Apptainer 1.1.7", "allow setuid-mount squashfs", ""),  # there was no such key
        ("Apptainer 1.4.5", "allow kernel squashfs", ""),
        ("Apptainer 1.4.5", "allow user ns", "yes (default)"),
        ("Apptainer 1.3.6", "allow user ns", ""),
        ("SingularityCE 4.5.1", "allow kernel squashfs", "yes (default)"),
        ("SingularityCE 3.11.1", "allow kernel squashfs", ""),
        ("SingularityCE 4.5.1", "allow setuid-mount squashfs", ""),
        ("SingularityCE 4.5.1", "oci mode", "no (default)"),
        ("SingularityCE 3.11.5", "oci mode", ""),
        ("Singularity 3.8.7", "max loop devices", ""),  # whose defaults nobody looked up
        ("", "max loop devices", ""),
    ],
)
def test_a_default_is_that_of_the_product_and_its_version(
    tmp_path: Path, launcher: Launcher, version: str, key: str, told: str
) -> None:
    assert fact(confinement(installed(tmp_path), version, launcher), key) == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("max loop devices = 8", "max loop devices: 8"),
        ("  max  loop devices=8", "max loop devices: 8"),
        ("# max loop devices = 8", "max loop devices: 256 (default)"),
        ("max loop devices = 8\nmax loop devices = 9", "max loop devices: 8"),  # the first one counts
        ("limit container paths = /secret/place", "limit container paths: set"),
        ("limit container paths = NULL", "limit container paths: not set (default)"),
        ("bind path = /secret/place", "bind path: set"),
    ],
)
def test_the_configuration_is_read_as_the_products_read_it(
    tmp_path: Path, launcher: Launcher, line: str, told: str
) -> None:
    facts = confinement(installed(tmp_path, settings=line), "Apptainer 1.4.5", launcher)
    assert told in facts
    assert f"configuration: {tmp_path}/x.conf" in facts or not line
    assert not any("secret" in each for each in facts)


def test_a_changed_configuration_is_another_fingerprint(tmp_path: Path, launcher: Launcher) -> None:
    def told(settings: str) -> tuple[str, ...]:
        return confinement(installed(tmp_path, settings=settings), "Apptainer 1.4.5", launcher)

    assert told("mount home = yes") == told("mount home = yes")
    assert told("mount home = yes") != told("mount home = no")


@pytest.mark.parametrize(("text", "told"), [("activated = true", "activated"), ("x = 1", "not activated")])
def test_the_execution_control_list_is_looked_at(
    tmp_path: Path, launcher: Launcher, text: str, told: str
) -> None:
    (tmp_path / "ecl.toml").write_text(text)
    facts = confinement(installed(tmp_path), "Apptainer 1.4.5", launcher)
    assert fact(facts, "execution control list") == told


def test_a_configuration_that_cannot_be_read_is_said_to_be(tmp_path: Path, launcher: Launcher) -> None:
    facts = confinement(installed(tmp_path, settings=None), "Apptainer 1.4.5", launcher)
    assert "configuration: not readable" in facts
    assert not fact(facts, "max loop devices")


def test_a_starter_without_its_bit_is_told_from_one_at_work(tmp_path: Path, launcher: Launcher) -> None:
    runtime = installed(tmp_path)
    starter(tmp_path, 0o755)
    facts = confinement(runtime, "Apptainer 1.4.5", launcher)
    assert facts[0] == "setuid helper: without its bit, or not root's (-rwxr-xr-x)"


@AS_ROOT
def test_a_starter_of_roots_with_its_bit_is_at_work(tmp_path: Path, launcher: Launcher) -> None:
    runtime = installed(tmp_path)
    starter(tmp_path, 0o4755)
    assert confinement(runtime, "Apptainer 1.4.5", launcher)[0] == SETUID


# -- which modes are their own ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "suid", "settings", "version", "here"),
    [
        ("APPTAINER", "1", "", "apptainer version 1.4.5", {"apptainer-userns", "apptainer-userns-sandbox"}),
        ("APPTAINER", "0", "", "apptainer version 1.4.5", set()),
        ("APPTAINER", "1", "allow setuid = no", "apptainer version 1.4.5", set()),
        (
            "SINGULARITY", "1", "", "singularity-ce version 4.5.1",
            {"apptainer-userns", "apptainer-userns-sandbox", "singularity-oci"},
        ),
        ("SINGULARITY", "0", "", "singularity-ce version 4.0.0-rc.1", {"singularity-oci"}),
        ("SINGULARITY", "0", "", "singularity-ce version 3.11.5", set()),
        ("SINGULARITY", "0", "", "singularity version 3.8.7", set()),
    ],
)  # fmt: skip
def test_a_mode_is_here_where_it_is_one_of_its_own(
    tmp_path: Path, product: str, suid: str, settings: str, version: str, here: set[str]
) -> None:
    for tool in ("sh", "cat", "env", "uname", "sed"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    installed(tmp_path, product=product, suid=suid, settings=settings)
    text = (tmp_path / "apptainer").read_text()
    (tmp_path / "apptainer").write_text(
        text.replace(
            f'echo "{product.lower().replace("apptainer", "apptainer version 1.4.5")}"', f'echo "{version}"'
        )
    )
    with Launcher(replace(ourselves(), env={"PATH": str(tmp_path)})) as launcher:
        found = {item.facts.id: item.facts for item in discover(LOCAL, launcher)}
    modes = ("apptainer-userns", "apptainer-userns-sandbox", "singularity-oci")
    assert {id_ for id_ in modes if found[id_].present} == here
    assert found["apptainer"].present
    for id_ in set(modes) - here:
        assert "the same thing twice" in found[id_].reason or "only SingularityCE has it" in found[id_].reason
        assert "\n" not in found[id_].reason


def test_what_a_site_asks_of_the_base_takes_no_mode_out(tmp_path: Path) -> None:
    """The option of a mode that stands in the site's own options is not the mode's."""
    installed(tmp_path, suid="0")
    for tool in ("sh", "cat", "env", "uname"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")
    site = LOCAL.model_copy(update={"runtimes": {"apptainer": RuntimeSetting(options=("--userns",))}})
    with Launcher(replace(ourselves(), env={"PATH": str(tmp_path)})) as launcher:
        found = {item.facts.id: item.facts for item in discover(site, launcher)}
    assert found["apptainer"].present
    assert found["apptainer-contained"].present


# -- what is seen --------------------------------------------------------------------------------------


def looked_at(
    folder: Path, launcher: Launcher, start: str, id_: str = "apptainer", sys: str = ""
) -> tuple[str, ...]:
    command = installed(folder, start=START + start).command
    runtime = replace(known_runtimes()[id_], commands=(command,))
    image = folder / "image.sif"
    image.touch()
    return seen(runtime, str(image), launcher, sys=folder / (sys or "no-sys"))


def test_a_start_on_the_host_is_seen_as_that(tmp_path: Path, launcher: Launcher) -> None:
    told = looked_at(tmp_path, launcher, PLAIN)
    assert fact(told, "user namespace") == "the host's"
    assert fact(told, "setuid starter") == "not at work"
    assert fact(told, "uid map") == " ".join(Path("/proc/self/uid_map").read_text().split())
    assert fact(told, "image mount") == "not known what serves it"


@NAMESPACES
def test_a_user_namespace_is_seen_with_its_ids(tmp_path: Path, launcher: Launcher) -> None:
    told = looked_at(tmp_path, launcher, f"unshare --user --map-root-user {PLAIN}")
    assert fact(told, "user namespace") == "its own"
    assert fact(told, "uid map") == f"0 {os.getuid()} 1"
    assert fact(told, "setuid starter") == "not at work"


def named_starter(folder: Path) -> str:
    fake_executable(folder / "starter-suid", '/bin/sh -c "$1" "$2"; exit $?')
    return f'"{folder}/starter-suid" "$script" "$4"'


@AS_ROOT
def test_a_starter_with_capabilities_is_seen_at_work(tmp_path: Path, launcher: Launcher) -> None:
    assert fact(looked_at(tmp_path, launcher, named_starter(tmp_path)), "setuid starter") == "at work"


@AS_ROOT
@pytest.mark.parametrize("wrap", ["setpriv --reuid=54321 --clear-groups", "unshare --user --map-root-user"])
@NAMESPACES
def test_a_starter_that_has_but_its_name_left_is_not(tmp_path: Path, launcher: Launcher, wrap: str) -> None:
    folder = reachable(tmp_path)
    told = looked_at(folder, launcher, f"{wrap} {named_starter(folder)}")
    assert fact(told, "setuid starter") == "not at work"


def test_a_loop_device_on_the_image_is_the_kernels_mount(tmp_path: Path, launcher: Launcher) -> None:
    for number, backing in enumerate((tmp_path / "other.sif", tmp_path / "image.sif")):
        file = tmp_path / "sys" / "block" / f"loop{number}" / "loop" / "backing_file"
        file.parent.mkdir(parents=True)
        file.write_text(f"{backing}\n")
    assert fact(looked_at(tmp_path, launcher, PLAIN, sys="sys"), "image mount") == KERNEL
    file.write_text(f"{tmp_path}/other.sif\n")
    assert fact(looked_at(tmp_path, launcher, PLAIN, sys="sys"), "image mount") == "not known what serves it"


def test_a_process_of_squashfuse_is_named_with_its_threads(tmp_path: Path, launcher: Launcher) -> None:
    shutil.copy("/bin/sleep", tmp_path / "squashfuse_ll")
    told = looked_at(tmp_path, launcher, f"{tmp_path}/squashfuse_ll 30 & {PLAIN}; kill $!")
    assert fact(told, "image mount") == "mounted by squashfuse_ll (one thread)"


def test_an_image_that_is_extracted_first_says_so(tmp_path: Path, launcher: Launcher) -> None:
    told = looked_at(
        tmp_path, launcher, f'echo "INFO:    Converting SIF file to temporary sandbox..." >&2; {PLAIN}'
    )
    assert fact(told, "image mount") == "extracted to a directory at each start"


def test_a_directory_has_no_mount_to_be_asked_for(tmp_path: Path, launcher: Launcher) -> None:
    told = looked_at(tmp_path, launcher, PLAIN, id_="apptainer-sandbox")
    assert fact(told, "user namespace") == "the host's"
    assert not fact(told, "image mount")


def test_what_does_not_start_is_not_seen_and_says_why(tmp_path: Path, launcher: Launcher) -> None:
    told = looked_at(tmp_path, launcher, "echo 'FATAL:   no such image' >&2; exit 255")
    assert told == ("not seen: FATAL:   no such image",)


def test_what_hides_its_processes_is_not_called_unprivileged(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apptainerhere, "hidden", lambda: "/proc is mounted with hidepid=2")
    assert fact(looked_at(tmp_path, launcher, PLAIN), "setuid starter") == "unknown"


def facts_of(runtime: Runtime) -> RuntimeFacts:
    return RuntimeFacts(
        id=runtime.id, family=runtime.family, mode=runtime.mode, present=True, command=runtime.command
    )


@pytest.mark.parametrize(
    ("id_", "told", "mode"),
    [
        (
            "apptainer",
            ("user namespace: the host's", "setuid starter: at work", f"image mount: {KERNEL}"),
            f"setuid starter; image file, {KERNEL}",
        ),
        (
            "apptainer-fakeroot",
            ("user namespace: its own", "setuid starter: at work", "uid map: 0 1001 1, 1 100000 65536"),
            "user namespace, its ids mapped by the setuid starter; image file; root inside",
        ),
        (
            "apptainer-fakeroot",
            ("user namespace: its own", "setuid starter: not at work", "uid map: 0 1001 1, 1 100000 65536"),
            "user namespace, its ids mapped by newuidmap; image file; root inside",
        ),
        (
            "apptainer-sandbox",
            ("user namespace: its own", "setuid starter: not at work", "uid map: 1001 1001 1"),
            "user namespace, nothing privileged seen; unpacked directory",
        ),
        (
            "apptainer-sandbox",
            ("user namespace: its own", "setuid starter: unknown", "uid map: 1001 1001 1"),
            "user namespace; unpacked directory",
        ),
        ("apptainer", ("not seen: FATAL: x",), "privilege not seen; image file"),
        (
            "apptainer-userns",
            ("user namespace: unknown", "image mount: not known what serves it"),
            "privilege not seen; image file, not known what serves it; a user namespace asked for",
        ),
    ],
)
def test_the_mode_says_what_was_seen_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, launcher: Launcher, id_: str, told: tuple[str, ...], mode: str
) -> None:
    monkeypatch.setattr(apptainerhere, "seen", lambda *_: told)
    runtime = known_runtimes()[id_]
    facts = with_what_is_seen(facts_of(runtime), runtime, "image", launcher)
    assert (facts.seen, facts.mode) == (told, mode)


def test_what_is_made_ready_for_a_run_is_looked_at_in_its_own_image(
    tmp_path: Path, launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = installed(tmp_path, start=START + PLAIN)
    form = ConvertedForm(
        runtime=runtime.id, form=runtime.form, reference="/image.sif", size_bytes=1, convert_s=1.0, digest=""
    )
    asked: list[str] = []

    def told(_: Runtime, image: str, *__: object) -> tuple[str, ...]:
        asked.append(image)
        return ("user namespace: the host's", "setuid starter: at work")

    monkeypatch.setattr(forms, "convert", lambda *_: form)
    monkeypatch.setattr(forms, "place_contents", lambda *_: None)
    monkeypatch.setattr(apptainerhere, "seen", told)
    built = BuiltImage(
        name="small", recipe_sha256="", tar_sha256="", tar_bytes=1, build_s=1.0, packages=(), folder=""
    )
    found = FoundRuntime(runtime=runtime, facts=facts_of(runtime))
    readied, made = forms.ready(found, built, launcher, tmp_path)
    assert (made, asked) == (form, ["/image.sif"])
    assert readied.facts.mode == "setuid starter; image file"
    assert readied.facts.seen == ("user namespace: the host's", "setuid starter: at work")
