"""Folders for the moment go away: at the end, after an exception, and after a kill by whoever comes next."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from rival import AS_ROOT

from evaluation.errors import EvaluationError
from evaluation.scratch import labelled, remove_tree, scratch_directory

ROOT = Path(__file__).parents[1]
TMP, VAR_TMP = "/tmp", "/var/tmp"  # noqa: S108 - mounted over, in a namespace of its own


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_a_folder_of_ours_alone_that_goes_away(own_temporary_folder: Path) -> None:
    with scratch_directory() as path:
        assert path.parent == own_temporary_folder
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "file").write_text("x")
    assert list(own_temporary_folder.iterdir()) == []


@AS_ROOT
@pytest.mark.parametrize(
    ("mounts", "chosen"),
    [
        ({}, TMP),
        ({TMP: "nosuid,nodev"}, VAR_TMP),
        ({TMP: "noexec"}, VAR_TMP),
        ({TMP: "nosuid,nodev", VAR_TMP: "nosuid,nodev"}, TMP),
        ({TMP: "nosuid", VAR_TMP: "noexec"}, TMP),
        ({TMP: "noexec", VAR_TMP: "nosuid"}, VAR_TMP),
    ],
)
def test_of_the_usual_places_it_takes_one_that_takes_nothing_away(
    mounts: dict[str, str], chosen: str, own_temporary_folder: Path
) -> None:
    """As systemd mounts /tmp; in a mount namespace of its own."""
    if any(
        os.statvfs(place).f_flag & (os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC) for place in (TMP, VAR_TMP)
    ):
        pytest.skip("one of them is mounted so here")
    script = (
        "from evaluation.scratch import scratch_directory\nwith scratch_directory() as it: print(it.parent)"
    )
    made = "".join(f"mount -t tmpfs -o mode=1777,{how} none {place}; " for place, how in mounts.items())
    words = ("unshare", "--mount", "sh", "-ec", f'{made}exec "$@"', "sh", sys.executable, "-c", script)

    def told(**env: str) -> str:
        env = {"PATH": os.environ["PATH"], **env}
        done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert told() == chosen
    assert told(TMPDIR=TMP) == TMP, "who names one is obeyed"
    if not mounts:
        assert told(TMPDIR=str(own_temporary_folder)) == str(own_temporary_folder)


def test_one_that_is_bound_into_containers_may_be_entered() -> None:
    with scratch_directory(bound=True) as path:
        assert path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("enforce", "mode"), [("1", "enforcing"), ("0", "permissive")])
def test_where_selinux_is_on_it_is_labelled_for_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enforce: str, mode: str
) -> None:
    (tmp_path / "enforce").write_text(enforce)
    labels = {tmp_path: b"unconfined_u:object_r:user_tmp_t:s0:c1\0"}
    monkeypatch.setattr(os, "getxattr", lambda path, _: labels[path])
    monkeypatch.setattr(os, "setxattr", lambda path, _, label: labels.update({path: label}))
    told = labelled(tmp_path, tmp_path / "enforce")
    assert labels[tmp_path] == b"unconfined_u:object_r:container_file_t:s0"
    assert told.startswith(f"SELinux is {mode}: what is bound into containers is labelled")


def test_where_selinux_is_off_or_does_not_let_us_no_label_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert labelled(tmp_path, tmp_path / "enforce") == ""
    (tmp_path / "enforce").write_text("1")

    def refused(*_: object) -> bytes:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "getxattr", refused)
    told = labelled(tmp_path, tmp_path / "enforce")
    assert told == (
        "SELinux is enforcing, and what is bound into containers could not be labelled for them "
        "(Operation not permitted)"
    )


def test_it_goes_away_after_an_exception(own_temporary_folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_directory():
        _ = 1 / 0
    assert list(own_temporary_folder.iterdir()) == []


def test_two_at_once_leave_each_other_alone() -> None:
    with scratch_directory() as first:
        with scratch_directory() as second:
            assert first != second
            assert first.exists()
        assert first.exists()


def test_what_a_killed_process_left_is_removed_by_the_next(own_temporary_folder: Path) -> None:
    script = "import time\nfrom evaluation.scratch import scratch_directory\n"
    script += "with scratch_directory() as path: print(path, flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        with scratch_directory():
            assert left.exists()  # in use
        process.kill()
    (left / "sub").mkdir(mode=0o000)
    other = own_temporary_folder / "container-evaluation-file"
    other.write_text("not a folder")
    link = own_temporary_folder / "container-evaluation-link"
    link.symlink_to(own_temporary_folder)
    (own_temporary_folder / "somebody-elses").mkdir()
    with scratch_directory() as path:
        assert {found.name for found in own_temporary_folder.iterdir()} == {
            path.name, other.name, link.name, "somebody-elses",
        }  # fmt: skip


@AS_ROOT
def test_anothers_folder_is_left_alone(own_temporary_folder: Path) -> None:
    theirs = own_temporary_folder / "container-evaluation-theirs"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    with scratch_directory():
        assert theirs.exists()


@AS_ROOT
@pytest.mark.parametrize(("owner", "mode"), [(65534, 0o755), (0, 0o777), (0, 0o775)])
def test_root_works_in_no_place_that_others_can_exchange(
    own_temporary_folder: Path, monkeypatch: pytest.MonkeyPatch, owner: int, mode: int
) -> None:
    place = own_temporary_folder / "inner"
    place.mkdir()
    os.chown(own_temporary_folder, owner, 65534)
    own_temporary_folder.chmod(mode)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with pytest.raises(EvaluationError, match=r"other users can rename what is in"):
        scratch_directory().__enter__()
    assert list(place.iterdir()) == []
    own_temporary_folder.chmod(mode | 0o1000)
    if owner == 0:
        with scratch_directory() as path:
            assert path.parent == place


def test_closed_folders_are_opened_to_be_removed(tmp_path: Path) -> None:
    # As root there is nothing closed: then this is run as nobody.
    tree = tmp_path / "tree"
    (tree / "closed" / "deeper").mkdir(parents=True)
    (tree / "closed" / "deeper" / "file").write_text("x")
    (tree / "link").symlink_to(tmp_path)
    script = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from evaluation.errors import EvaluationError
from evaluation.scratch import remove_tree
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
remove_tree(Path("tree"))
sys.exit(Path("tree").exists())
"""
    if os.getuid() == 0:
        for path in (tmp_path, *tmp_path.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
    (tree / "closed" / "deeper").chmod(0o500)
    (tree / "closed").chmod(0o000)
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    assert tmp_path.exists()
    remove_tree(tree)  # of what is gone already: no error
