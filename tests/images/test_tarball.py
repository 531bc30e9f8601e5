import io
import tarfile
from pathlib import Path

from evaluation.images.recipe import Recipe
from evaluation.images.tarball import DEB_LIST, normalise, unpacked_packages

RECIPE = Recipe(
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


def raw(path: Path) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.uid, member.mtime = len(data), 0o4700, 1234, 5000
            tar.addfile(member, io.BytesIO(data))
    return path


def test_the_layer_is_what_the_recipe_says(tmp_path: Path) -> None:
    packages = normalise(raw(tmp_path / "raw.tar"), tmp_path / "image.tar", RECIPE)
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


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    small = RECIPE.model_copy(update={"pad_bytes": 1000})
    for name in ("one", "two"):
        normalise(raw(tmp_path / "raw.tar"), tmp_path / name, small)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_version_with_an_epoch_is_read_from_a_file_name() -> None:
    assert unpacked_packages("b_2_all.deb\na_1%3a3_amd64.deb\npartial") == ("a=1:3", "b=2")
