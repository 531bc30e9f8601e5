"""What runtimes are called on the first page."""

from __future__ import annotations

import pytest

from evaluation.manifest import RuntimeFacts
from evaluation.report.names import Names, full_name, offer_name


def facts(id_: str, mode: str, *seen: str, version: str = "", timed: bool = True) -> RuntimeFacts:
    family = "podman-hpc" if id_ == "podman-hpc" else id_.split("-", maxsplit=1)[0]
    return RuntimeFacts(
        id=id_, family=family, mode=mode, present=True, version=version, seen=seen, timed=timed
    )


FUSE = "image mount: mounted by squashfuse_ll (one thread)"
KERNEL = "image mount: mounted by the kernel (loop device)"


@pytest.mark.parametrize(
    ("runtime", "name"),
    [
        (facts("apptainer", "image file", FUSE), "Apptainer (formerly Singularity), image file, FUSE mount"),
        (
            facts("apptainer", "setuid starter; image file", KERNEL, "setuid starter: at work"),
            "Apptainer (formerly Singularity), image file, kernel mount, setuid",
        ),
        (
            facts("apptainer-sandbox", "unpacked directory", "setuid starter: not at work"),
            "Apptainer (formerly Singularity), unpacked directory, no setuid",
        ),
        (facts("apptainer", "image file", version="SingularityCE 4.1"), "SingularityCE, image file"),
        (facts("docker", "root daemon, root inside, bridge network"), "Docker, root daemon"),
        (facts("new", "as it likes; more of it"), "new, as it likes"),
    ],
)
def test_a_runtime_goes_by_product_form_mount_and_rights(runtime: RuntimeFacts, name: str) -> None:
    assert full_name(runtime) == name


def test_a_short_name_tells_modes_apart_only_where_there_are_several() -> None:
    names = Names(
        [
            facts("apptainer", "image file"),
            facts("apptainer-sandbox", "unpacked directory"),
            facts("docker", "x"),
        ]
    )
    assert names.short("apptainer") == "Apptainer (image file)"
    assert names.short("apptainer-sandbox") == "Apptainer (unpacked directory)"
    assert names.short("docker") == "Docker"
    assert names.short("nobody") == "nobody"


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("apptainer", "Apptainer (formerly Singularity)"),
        ("podman-hpc", "podman-hpc"),
        ("docker-rootless", "Docker, rootless daemon"),
        ("new", "new"),
    ],
)
def test_an_offer_is_named_without_any_run(id_: str, name: str) -> None:
    assert offer_name(id_) == name
