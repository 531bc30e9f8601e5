"""From a root file system to the image's layer: the same bytes each time, and nothing hostile in it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.images.recipe import Recipe, load_recipe
from evaluation.images.tarball import DEB_LIST, installed_packages, normalise, unpacked_packages

RECIPE = load_recipe(Path(__file__).parents[2] / "images", "small")
STATUS = """\
Package: python3
Status: install ok installed
Version: 3.11.2-1
Description: the language
 Version: not this one

Package: gone
Status: deinstall ok config-files
Version: 1

Package: bash
Status: install ok installed
Version: 5.2+b1
Conffiles:
 /etc/bash.bashrc 0 obsolete
"""


def member(name: str, kind: bytes = tarfile.REGTYPE, /, **changes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def archive(*members: tarfile.TarInfo, content: bytes = b"x") -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info in members:
            data = STATUS.encode() if info.name.endswith("dpkg/status") else content
            if info.isreg():
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    stream.seek(0)
    return stream


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., dict[str, tarfile.TarInfo]]:
    def normalised(*members: tarfile.TarInfo, recipe: Recipe = RECIPE) -> dict[str, tarfile.TarInfo]:
        normalise(archive(*members), tmp_path / "image.tar", recipe)
        with tarfile.open(tmp_path / "image.tar") as tar:
            return {info.name: info for info in tar}

    return normalised


def tree(**shared: object) -> list[tarfile.TarInfo]:
    return [
        member("./usr", tarfile.DIRTYPE, mode=0o700, **shared),
        member("./usr/bin", tarfile.DIRTYPE, mode=0o755, **shared),
        member("./usr/bin/su", mode=0o4755, **shared),
        member("./usr/bin/hard", tarfile.LNKTYPE, linkname="./usr/bin/su", **shared),
        member("./bin", tarfile.SYMTYPE, linkname="usr/bin", **shared),
        member("./etc/secret", mode=0o600, **shared),
        member("./tmp", tarfile.DIRTYPE, mode=0o777, **shared),
        member("./dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3, **shared),
        member("./usr/share/doc/readme", **shared),
        member("./etc/hosts", **shared),
        member("./var/lib/dpkg/status", **shared),
    ]


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for number, shared in enumerate(
        (
            {},
            {
                "uid": 7,
                "gid": 8,
                "uname": "me",
                "gname": "us",
                "mtime": 2**33,
                "pax_headers": {"comment": "x"},
            },
        )
    ):
        target = tmp_path / f"{number}.tar"
        packages = normalise(archive(*tree(**shared)), target, RECIPE)
        assert packages == ("bash=5.2+b1", "python3=3.11.2-1")
        digests.append(hashlib.sha256(target.read_bytes()).hexdigest())
        with tarfile.open(target) as tar:
            for info in tar:
                assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, "root", "root")
                assert info.mtime <= RECIPE.epoch
    # Times older than the recipe's stay: only the second tree's were newer, and the first's 0.
    normalise(archive(*tree(mtime=0)), tmp_path / "again.tar", RECIPE)
    assert hashlib.sha256((tmp_path / "again.tar").read_bytes()).hexdigest() == digests[0]
    assert digests[0] != digests[1]
    normalise(archive(*tree(mtime=2**32, uid=9)), tmp_path / "new.tar", RECIPE)
    assert hashlib.sha256((tmp_path / "new.tar").read_bytes()).hexdigest() == digests[1]


def test_everybody_can_read_it_and_nothing_is_setuid(made: Callable[..., dict[str, tarfile.TarInfo]]) -> None:
    modes = {name: oct(info.mode) for name, info in made(*tree()).items()}
    assert modes["./usr"] == modes["./usr/bin"] == "0o755"
    assert modes["./usr/bin/su"] == "0o755"
    assert modes["./etc/secret"] == "0o644"
    assert modes["./tmp"] == "0o1777"
    setuid = made(member("./usr/bin/sudo", mode=0o6711))["./usr/bin/sudo"]
    assert oct(setuid.mode) == "0o755"


def test_what_the_recipe_leaves_out_is_out_and_what_it_wants_is_in(
    made: Callable[..., dict[str, tarfile.TarInfo]],
) -> None:
    names = set(made(*tree()))
    assert "./usr/share/doc/readme" not in names
    assert "./dev/null" not in names
    assert {"./payload", "./work", "./home", "./proc", "./sys", "./dev", "./etc/resolv.conf"} <= names
    assert sum(name == "./etc/hosts" for name in names) == 1


def test_links_stay_links(made: Callable[..., dict[str, tarfile.TarInfo]]) -> None:
    found = made(*tree())
    assert (found["./bin"].issym(), found["./bin"].linkname) == (True, "usr/bin")
    assert (found["./usr/bin/hard"].islnk(), found["./usr/bin/hard"].linkname) == (True, "./usr/bin/su")


def test_capabilities_of_files_are_dropped(made: Callable[..., dict[str, tarfile.TarInfo]]) -> None:
    headers = {"SCHILY.xattr.security.capability": "made up"}
    assert made(member("./ping", pax_headers=headers))["./ping"].pax_headers == {}


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "./etc/passwd", "etc//passwd", "././etc/./passwd", "//etc/passwd"]
)
def test_every_name_is_from_the_root_of_the_image(
    made: Callable[..., dict[str, tarfile.TarInfo]], name: str
) -> None:
    assert {"./etc/passwd", "./etc/x"} & set(made(member(name)))


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([member("../outside")], "a name that leads out of it"),
        ([member("./usr/../../outside")], "a name that leads out of it"),
        ([member("/../outside")], "a name that leads out of it"),
        ([member("./x/..", tarfile.DIRTYPE)], "a name that leads out of it"),
        ([member("./etc/passwd"), member("/etc/passwd")], "a name that was there before"),
        ([member("./usr/null", tarfile.CHRTYPE)], "a device or a pipe"),
        ([member("./usr/disk", tarfile.BLKTYPE)], "a device or a pipe"),
        ([member("./run/pipe", tarfile.FIFOTYPE)], "a device or a pipe"),
        ([member("./a", tarfile.LNKTYPE, linkname="../../etc/shadow")], "a hard link to '../../etc/shadow'"),
        ([member("./a", tarfile.LNKTYPE, linkname="/etc/shadow")], "a hard link to '/etc/shadow'"),
        (
            [member("./usr/share/doc/x"), member("./a", tarfile.LNKTYPE, linkname="./usr/share/doc/x")],
            "which is not in the image before it",
        ),
    ],
)
def test_what_is_hostile_is_refused_by_name(
    made: Callable[..., dict[str, tarfile.TarInfo]], members: list[tarfile.TarInfo], problem: str
) -> None:
    with pytest.raises(EvaluationError, match="the root file system holds") as told:
        made(*members)
    assert problem in told.value.what
    assert members[-1].name in told.value.what


def test_what_is_no_archive_says_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="the root file system is no archive"):
        normalise(io.BytesIO(b"not a tar" * 1000), tmp_path / "image.tar", RECIPE)


def test_packages_are_those_installed_in_order() -> None:
    assert installed_packages(STATUS) == ("bash=5.2+b1", "python3=3.11.2-1")
    assert installed_packages("") == ()


MADE_UP = Recipe(
    title="Made up",
    purpose="A test",
    base="none",
    suite="bookworm",
    packages=("busybox-static",),
    directories=("/work",),
    empty_files=("/etc/hostname",),
    links={"/bin/sh": "busybox"},
    leave_out=("/dev/", "/etc/secret"),
    pad_bytes=70 * 2**20,
    size_bytes=1,
    epoch=1000,
    path="/bin",
)
FILES = {
    "./bin/busybox": b"program",
    "./etc/hostname": b"the building machine",
    "./etc/secret": b"x",
    "./dev/null": b"",
    f"./{DEB_LIST}": b"busybox-static_1%3a1.35.0-4+b1_amd64.deb\npartial\n",
}


def raw() -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid, member.mtime = len(data), 0o4700, 1234, 5000
            tar.addfile(member, io.BytesIO(data))
    stream.seek(0)
    return stream


def test_the_layer_is_what_the_recipe_says(tmp_path: Path) -> None:
    packages = normalise(raw(), tmp_path / "image.tar", MADE_UP)
    assert packages == ("busybox-static=1:1.35.0-4+b1",)
    with tarfile.open(tmp_path / "image.tar") as tar:
        found = {member.name: member for member in tar}
        assert found["./bin/sh"].linkname == "busybox"
        program = found["./bin/busybox"]
        assert (program.mode, program.uid, program.mtime) == (0o755, 0, 1000)
        assert found["./etc/hostname"].size == 0, "nothing of the building machine is in the image"
        assert "./etc/secret" not in found
        assert "./dev/null" not in found
        assert f"./{DEB_LIST}" not in found
        padding = [member for name, member in found.items() if name.startswith("./opt/padding/")]
        assert [member.size for member in padding] == [64 * 2**20, 6 * 2**20]


def test_two_builds_of_what_was_only_unpacked_are_the_same_bytes(tmp_path: Path) -> None:
    small = MADE_UP.model_copy(update={"pad_bytes": 1000})
    for name in ("one", "two"):
        normalise(raw(), tmp_path / name, small)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_version_with_an_epoch_is_read_from_a_file_name() -> None:
    assert unpacked_packages("b_2_all.deb\na_1%3a3_amd64.deb\npartial") == ("a=1:3", "b=2")
