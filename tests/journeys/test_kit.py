"""The kit: made on a connected machine, carried to one that has nothing, and its file read elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeys.conftest import CloneOf
from journeys.walking import BOOK, PATIENCE, PROJECT, Clone, new_folder, ordinary_user

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.getuid() != 0, reason="the bare world needs root"),
    pytest.mark.skipif(
        any(shutil.which(tool) is None for tool in ("mmdebstrap", "umoci", "skopeo")),
        reason="the kit is made with mmdebstrap, umoci and skopeo: setup/runtimes install",
    ),
]

WORLD = PROJECT / "tests" / "worlds" / "bare" / "world"
PLACE = "/data/a path with spaces"
KIT = f"{PLACE}/container-evaluation-kit"
SITE = "kit-site"
BATCH_SITE = "kit-batch"
LOCK = "EVALUATION_LOCK"
"""What keeps two measurements apart; the tests have one of their own."""
USER = "an-ordinary-user-of-forty-characters-abc"
MOST_BYTES = 300e6
EM_AARCH64 = 183
"""elf(5)"""


@pytest.fixture(scope="module")
def packed(clone: Clone) -> Path:
    """The kit, made once."""
    told = clone.run("make", "kit").out
    (made,) = (clone.folder / "build").glob("container-evaluation-kit-*.tar.gz")
    assert told.split()[-2:] == [hashlib.sha256(made.read_bytes()).hexdigest(), made.name]
    return made


class Bare:
    """The bare world, in which there is busybox and the kit."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, line: str, *, ends: int = 0) -> str:
        """Run a line of shell as the world's user; give all that it said."""
        done = subprocess.run(
            (WORLD, "run", line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == ends, f"{line} ended with {done.returncode}\n{done.stdout}"
        assert "Traceback (most recent call last)" not in done.stdout, done.stdout
        return done.stdout

    def evaluate(self, words: str, *, ends: int = 0) -> str:
        """Run the kit's command, from its folder."""
        return self.run(f'cd "{KIT}" && ./evaluate {words}', ends=ends)

    def path(self, inside: str) -> Path:
        """Where a file of the world's is seen from outside."""
        return self.root / inside.lstrip("/")


@pytest.fixture(scope="module")
def bare(packed: Path) -> Iterator[Bare]:
    subprocess.run((WORLD, "build"), check=True)
    root = Path(subprocess.run((WORLD, "path"), check=True, capture_output=True, text=True).stdout.strip())
    try:
        os.link(packed, root / "data/kit.tar.gz")
    except OSError:
        shutil.copy(packed, root / "data/kit.tar.gz")
    world = Bare(root)
    world.run(f'mkdir "{PLACE}" && cd "{PLACE}" && tar xzf ../kit.tar.gz')
    yield world
    subprocess.run((WORLD, "stop"), check=True)


def files(bare: Bare) -> set[str]:
    """Every file of the world that is not below the kit's folder."""
    ours = bare.path(KIT)
    return {
        str(path.relative_to(bare.root)) for path in bare.root.rglob("*") if not path.is_relative_to(ours)
    }


def test_it_is_one_file_that_can_be_sent(packed: Path) -> None:
    assert packed.stat().st_size < MOST_BYTES


def test_the_world_has_nothing_but_busybox_and_is_unfriendly(bare: Bare) -> None:
    assert {str(path.readlink()) for path in bare.path("bin").iterdir() if path.is_symlink()} == {
        "/bin/busybox"
    }
    told = bare.run("id; umask; touch ~/x; touch /tmp/x; grep ' /tmp ' /proc/mounts")
    assert f"uid=3000000123({USER})" in told
    assert "0077" in told
    assert "Read-only file system" in told
    assert re.search(r" tmpfs rw,nosuid,nodev,noexec,", told)


def test_every_part_has_a_licence_and_no_path_of_the_maker_s_is_in_it(bare: Bare, clone: Clone) -> None:
    parts = json.loads(bare.path(f"{KIT}/manifest.json").read_text())["parts"]
    assert {"deb", "wheel", "project", "image", "image's package"} <= {part["kind"] for part in parts}
    assert [part["name"] for part in parts if not part["licence"]] == []
    listed = {part["licence"].removeprefix("see ") for part in parts if part["licence"].startswith("see lic")}
    assert [name for name in sorted(listed) if not bare.path(f"{KIT}/{name}").is_file()] == []
    maker = str(clone.folder).encode()
    kit = bare.path(KIT)
    assert [path for path in kit.rglob("*") if path.is_file() and maker in path.read_bytes()] == []


def test_it_is_as_it_was_made_and_a_changed_byte_is_named(bare: Bare) -> None:
    assert "files are as they were made" in bare.evaluate("--verify")
    changed = bare.path(f"{KIT}/project/criteria.yaml")
    content = changed.read_bytes()
    changed.write_bytes(content.replace(b"a", b"b", 1))
    assert "project/criteria.yaml: changed" in bare.evaluate("--verify", ends=1)
    changed.write_bytes(content)


def test_where_nothing_may_be_run_that_is_said(bare: Bare) -> None:
    parts = " ".join(
        f"container-evaluation-kit/{part}" for part in ("evaluate", "python/machine", "python/lib/native")
    )
    told = bare.run(
        f"cd /tmp && tar xzf /data/kit.tar.gz {parts} && sh container-evaluation-kit/evaluate", ends=1
    )
    assert told == (
        "evaluate: nothing can be run from /tmp/container-evaluation-kit: unpack the kit on a file system "
        "that is not mounted noexec, with tar\n"
    )


def test_the_doctor_misses_runtimes_and_nothing_else(bare: Bare) -> None:
    told = json.loads(bare.evaluate("doctor --json"))
    assert [facts["id"] for facts in told["runtimes"] if facts["present"]] == ["host"]
    states = {check["what"]: check["state"] for check in told["checks"]}
    assert states["static program"] == states["evaluation image"] == "sound"
    assert "fatal" not in states.values()


def test_one_command_measures_and_packs(bare: Bare) -> None:
    before = files(bare)
    words = ("--site", SITE, "--batch", "local", "--runtime", "none", "--profile", "trial", "--as", USER)
    told = bare.evaluate(" ".join((*words, "--output", "../out.zip", "--yes")))
    BOOK.append(("kit", ("evaluation", "guide", *words, "--output", "../out.zip", "--yes")))
    assert "this leaves:" in told
    assert "SHA-256: " in told
    assert files(bare) - before == {f"{PLACE}/out.zip".lstrip("/")}, "nothing is written elsewhere"
    assert bare.path(f"{KIT}/archive.key").stat().st_mode & 0o077 == 0
    rows = [
        row for row in json.loads(bare.evaluate("findings --format json"))
        if (row["site"], row["runtime"]) == (SITE, "host")
    ]  # fmt: skip
    assert [(row["probe"], row["message"]) for row in rows if row["outcome"] == "ERROR"] == []
    assert {"cold_start", "import_storm", "tree_walk"} & {
        row["probe"] for row in rows if row["outcome"] == "MEASURED"
    }


def test_nobody_is_asked_twice_for_what_was_measured(bare: Bare) -> None:
    words = f"--site {SITE} --runtime none --profile trial --output ../again.zip"
    told = bare.evaluate(words, ends=1)
    assert "measured already" in told
    assert "nobody is here to agree to this list; nothing was written" in told
    assert not bare.path(f"{PLACE}/again.zip").exists()


def test_its_file_makes_a_report_elsewhere(bare: Bare, clone_of: CloneOf) -> None:
    elsewhere = clone_of()
    elsewhere.write(f"sites/{SITE}.yaml", bare.path(f"{KIT}/project/sites/{SITE}.yaml").read_text())
    arrived = elsewhere.folder / "out.zip"
    arrived.write_bytes(bare.path(f"{PLACE}/out.zip").read_bytes())
    with zipfile.ZipFile(arrived) as whole:
        assert [name for name in whole.namelist() if USER.encode() in whole.read(name)] == []
    digest = hashlib.sha256(arrived.read_bytes()).hexdigest()
    elsewhere.run("evaluation", "import", "archive", "out.zip", "--sha256", digest, "--results", "empty")
    elsewhere.run("evaluation", "report", "--results", "empty")
    assert SITE in elsewhere.read("empty/report.html")


def test_cleaning_leaves_the_kit_and_the_results(bare: Bare) -> None:
    told = bare.evaluate("clean")
    assert f"removed: {KIT}/state" in told
    assert not bare.path(f"{KIT}/state").exists()
    assert bare.path(f"{KIT}/project/results/{SITE}").is_dir()
    assert "files are as they were made" in bare.evaluate("--verify")


def pythons_in_jobs() -> set[str]:
    """What runs each Python that is in a job of Slurm's now; the kit's is run by its loader."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, program = (process / "cmdline").read_bytes(), (process / "exe").readlink()
            in_job = b"SLURM_JOB_ID=" in (process / "environ").read_bytes()
            if in_job and command == (process / "cmdline").read_bytes():  # it became no other meanwhile
                is_python = program.name.startswith("python") or b"/libexec/python3" in command
                found |= {str(program)} if is_python else set()
        except OSError:  # it has ended
            continue
    return found


@pytest.mark.skipif(
    "kit" not in os.environ.get("WORLDS", "").split(), reason="on request: WORLDS=kit, and two minutes"
)
def test_in_a_batch_job_the_node_works_with_what_is_in_the_kit(packed: Path, slurm: dict[str, str]) -> None:
    user, folder = ordinary_user(), new_folder()
    shutil.chown(folder, user)
    group = str(pwd.getpwnam(user).pw_gid)
    who: tuple[str, ...] = ("setpriv", "--reuid", user, "--regid", group, "--init-groups", "env", "-i")
    env = {**slurm, "HOME": str(folder), "PATH": "/usr/bin:/bin", LOCK: os.environ[LOCK]}
    who += tuple(f"{name}={value}" for name, value in env.items())
    subprocess.run((*who, "tar", "xzf", packed), cwd=folder, check=True)
    kit = folder / "container-evaluation-kit"
    words = ("--site", BATCH_SITE, "--batch", "slurm", "--runtime", "none", "--profile", "trial", "--yes")
    seen: set[str] = set()
    try:
        with (folder / "told").open("w+") as told:
            process = subprocess.Popen((*who, kit / "evaluate", *words), cwd=kit, stdout=told, stderr=told)
            while process.poll() is None:
                seen |= pythons_in_jobs()
                time.sleep(0.2)
            told.seek(0)
            assert process.returncode == 0, told.read()
        BOOK.append(("kit", ("evaluation", "guide", *words)))
        own = f"{kit}/python/lib/native/ld.so"
        assert own in seen
        others = {program for program in seen if Path(program).name.startswith("python")}
        assert not others, "no Python of the node's works there"
        (manifest,) = kit.glob(f"project/results/{BATCH_SITE}/*/manifest.json")
        batch = json.loads(manifest.read_text())["batch"]
        assert (batch["engine"], batch["submitted_by"]) == ("slurm", "parsl")
        assert batch["jobs"]
        assert manifest.with_name("complete.json").exists()
        with zipfile.ZipFile(next(kit.glob(f"{BATCH_SITE}-*.zip"))) as archive:
            assert archive.testzip() is None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(shutil.which("aarch64-linux-gnu-gcc") is None, reason="no cross compiler for arm64")
def test_one_for_arm64_is_made_of_its_own_programs_and_is_labelled(clone: Clone) -> None:
    clone.run("make", "kit", "MACHINE=arm64")
    (made,) = (clone.folder / "build").glob("container-evaluation-kit-*-aarch64-untried.tar.gz")
    subprocess.run(("tar", "xzf", made), cwd=made.parent, check=True)
    kit = clone.folder / "build/container-evaluation-kit"
    manifest = json.loads((kit / "manifest.json").read_text())
    assert manifest["architecture"] == "aarch64"
    assert "not run by us" in manifest["label"]
    assert "not run by us" in (kit / "python/machine").read_text()
    programs = {
        path: int.from_bytes(path.read_bytes()[18:20], "little")
        for path in kit.rglob("*")
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"
    }
    assert {"ld.so", "python3.11", "probe", "trial"} <= {path.name for path in programs}
    # Every wheel of debugpy has a library for x86-64 too.
    foreign = [path for path, machine in programs.items() if machine != EM_AARCH64]
    assert [path for path in foreign if "amd64" not in path.name] == []
    refused = subprocess.run((kit / "evaluate", "doctor"), capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "this kit is for Linux aarch64, and this is" in refused.stderr
