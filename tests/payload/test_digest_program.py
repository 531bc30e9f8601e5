"""The payload's digest against its definition, said once more in Python."""

import hashlib
import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "evaluation" / "payload"
OTHERS = {"helper.c", "legacy32.c", "mpi_pingpong.c"}
FILES = tuple(path.name for path in SOURCE.glob("*.c") if path.name not in OTHERS)
TOPS = ("bin", "etc", "lib", "lib64", "opt", "sbin", "usr")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("digest") / "probe"
    flags = ("-std=gnu99", "-O2", "-static", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["cc", *flags, "-o", path, *(SOURCE / name for name in FILES)], check=True)
    return path


def digest(program: Path, root: Path, *words: str | Path) -> dict[str, object]:
    done = subprocess.run([program, "digest", root, *words], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout.splitlines()[0])
    assert isinstance(answer, dict)
    return answer


def entries(path: bytes) -> Iterator[bytes]:
    yield path
    if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - bytes, not text
        for name in sorted(os.listdir(path)):  # noqa: PTH208 - bytes, not text
            yield from entries(path + b"/" + name)


def defined(root: Path) -> str:
    whole = hashlib.sha256()
    for top in TOPS:
        if not (root / top).is_dir():
            continue
        for full in entries(os.fsencode(root / top)):
            own = full.removeprefix(os.fsencode(root) + b"/")
            if own == b"etc/hosts":
                continue
            status = os.lstat(full)
            line = b"%o %s" % (stat.S_IFMT(status.st_mode), own)
            if stat.S_ISLNK(status.st_mode):
                line += b" -> " + os.readlink(full)  # noqa: PTH115 - bytes, not text
            elif stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(Path(os.fsdecode(full)).read_bytes()).hexdigest()
                line += b" %o %d %s" % (stat.S_IMODE(status.st_mode), status.st_size, content.encode())
            whole.update(line + b"\n")
    return whole.hexdigest()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "usr/a/b").mkdir(parents=True)
    (tmp_path / "usr/a-b").write_bytes(b"sorts between a and a/b")
    (tmp_path / "usr/a.txt").write_bytes(b"so does this")
    for size in (0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 300_000):
        (tmp_path / f"usr/a/b/{size}").write_bytes(b"x" * size)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/usr/\xff\xfe")).write_bytes(b"no UTF-8")
    (tmp_path / "usr/é").write_bytes(b"UTF-8")
    (tmp_path / "usr/link").symlink_to("../nowhere")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").write_text("mounted over, not counted")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/mine").write_text("not the image's, not counted")
    return tmp_path


def test_it_is_what_it_is_defined_to_be(program: Path, tree: Path) -> None:
    answer = digest(program, tree)
    assert answer["sha256"] == defined(tree)
    assert (answer["files"], answer["errors"]) == (15, 0)


def test_content_modes_and_links_count_and_other_things_do_not(program: Path, tree: Path) -> None:
    before = digest(program, tree)["sha256"]
    (tree / "etc/hosts").write_text("changed")
    (tree / "home/mine").write_text("changed")
    os.utime(tree / "usr/a-b", (1, 1))
    (tree / "usr/a").chmod(0o700)
    assert digest(program, tree)["sha256"] == before
    sums = {before}
    (tree / "usr/a-b").chmod(0o700)
    sums.add(digest(program, tree)["sha256"])
    (tree / "usr/a-b").write_bytes(b"other content of the same kind")
    sums.add(digest(program, tree)["sha256"])
    (tree / "usr/link").unlink()
    (tree / "usr/link").symlink_to("elsewhere")
    sums.add(digest(program, tree)["sha256"])
    assert len(sums) == 4


@pytest.fixture
def own(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's own paths, as an image's list of them."""
    root = os.fsencode(tree) + b"/"
    paths = [
        full.removeprefix(root)
        for top in TOPS
        if (tree / top).is_dir()
        for full in entries(root + top.encode())
    ]
    path = tmp_path_factory.mktemp("list") / "own"
    path.write_bytes(b"".join(name + b"\n" for name in sorted(paths)))
    return path


def test_what_a_runtime_adds_is_counted_apart(program: Path, tree: Path, own: Path) -> None:
    before = digest(program, tree)["sha256"]
    assert digest(program, tree, own)["sha256"] == before
    (tree / "etc/udiImage").mkdir()
    (tree / "etc/udiImage/sshd").write_text("one path is added, whatever lies below it")
    (tree / "usr/a/added").write_text("another")
    assert digest(program, tree)["sha256"] != before
    answer = digest(program, tree, own)
    assert (answer["sha256"], answer["added"], answer["first_added"]) == (before, 2, "etc/udiImage")


def test_what_a_runtime_takes_away_or_changes_is_another_image(program: Path, tree: Path, own: Path) -> None:
    sums = {digest(program, tree, own)["sha256"]}
    (tree / "usr/a-b").write_bytes(b"changed")
    sums.add(digest(program, tree, own)["sha256"])
    (tree / "usr/a-b").unlink()
    sums.add(digest(program, tree, own)["sha256"])
    assert len(sums) == 3


def test_every_line_that_counts_can_be_printed(program: Path, tree: Path, own: Path) -> None:
    done = subprocess.run([program, "digest", tree, own, "entries"], capture_output=True, check=True)
    lines = done.stdout.splitlines(keepends=True)
    counted = [line for line in lines if line[:1].isdigit()]
    assert hashlib.sha256(b"".join(counted)).hexdigest() == json.loads(lines[-2])["sha256"]


def test_a_list_that_is_missing_gives_no_digest(program: Path, tree: Path) -> None:
    done = subprocess.run([program, "digest", tree, tree / "none"], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"No such file" in done.stderr
    assert b"sha256" not in done.stdout


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_cannot_be_read_gives_no_digest(program: Path, tree: Path) -> None:
    (tree / "usr/a-b").chmod(0)
    answer = digest(program, tree)
    assert "sha256" not in answer
    assert "a-b: Permission denied" in str(answer["first_error"])
