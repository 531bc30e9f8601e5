"""A launch by the scheduler: exact command lines, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.batch import Native
from evaluation.model import Bind, Task
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.runtimes.native import native_argv

SPANK = Native(options=("--image={image}",), bind="--volume={source}:{target}", client=("shifter",))
PYXIS = Native(
    options=("--container-image={image}",),
    bind="--container-mounts={source}:{target}",
    workdir="--container-workdir={workdir}",
    env="--container-env={name}",
)
OCI = Native(options=("--container={image}",))
BARE = Task(image="docker:debian:12", argv=("program", "--flag"))


def test_shifter_s_plugin_sets_the_image_up_and_the_client_enters_it() -> None:
    task = replace(
        BARE,
        binds=(Bind(source="/data", target="/payload", read_only=True), Bind(source="/out", target="/work")),
        env=(("PLAIN", "1"), ("SPACED", "two words=2")),
        workdir="/work",
    )
    assert native_argv(SPANK, task, where="shifter") == (
        "srun", "--nodes=1", "--ntasks=1", "--chdir=/work", "--export=ALL,PLAIN=1,SPACED=two words=2",
        "--image=docker:debian:12", "--volume=/data:/payload:ro", "--volume=/out:/work",
        "--", "shifter", "program", "--flag",
    )  # fmt: skip


def test_pyxis_starts_enroot_s_image_itself() -> None:
    """To its contract: nobody has run it with these words."""
    task = replace(
        BARE,
        image="/images/small.sqsh",
        binds=(Bind(source="/data", target="/payload", read_only=True), Bind(source="/out", target="/work")),
        env=(("PLAIN", "1"), ("PATH", "/bin")),
        workdir="/work",
    )
    assert native_argv(PYXIS, task, where="enroot") == (
        "srun", "--nodes=1", "--ntasks=1", "--container-workdir=/work", "--export=ALL,PLAIN=1,PATH=/bin",
        "--container-image=/images/small.sqsh",
        "--container-mounts=/data:/payload:ro", "--container-mounts=/out:/work",
        "--container-env=PLAIN", "--container-env=PATH", "--", "program", "--flag",
    )  # fmt: skip


def test_slurm_s_own_containers_take_a_bundle() -> None:
    assert native_argv(OCI, replace(BARE, image="/images/bundle"), where="runc") == (
        "srun", "--nodes=1", "--ntasks=1", "--export=ALL", "--container=/images/bundle",
        "--", "program", "--flag",
    )  # fmt: skip


def test_what_a_value_holds_is_not_filled_in_again() -> None:
    task = replace(BARE, binds=(Bind(source="/{target}", target="/in"),))
    assert "--volume=/{target}:/in" in native_argv(SPANK, task, where="shifter")


@pytest.mark.parametrize(
    ("native", "task", "said"),
    [
        (OCI, replace(BARE, binds=(Bind(source="/a", target="/b"),)), "how a bind is asked for"),
        (PYXIS, replace(BARE, binds=(Bind(source="/a,b", target="/c"),)), "colon or a comma"),
        (SPANK, replace(BARE, binds=(Bind(source="/a", target="/b:c"),)), "colon or a comma"),
        (SPANK, replace(BARE, image=""), "is no image"),
        (SPANK, replace(BARE, image="--overlap"), "is no image"),
        (SPANK, replace(BARE, writable=True), "writable"),
        (SPANK, replace(BARE, env=(("LIST", "a,b"),)), "comma"),
        (SPANK, replace(BARE, cpus="0"), "processors"),
        (SPANK, replace(BARE, memory_bytes=1), "memory"),
        (SPANK, replace(BARE, terminal=True), "terminal"),
    ],
)
def test_what_cannot_be_said_is_refused(native: Native, task: Task, said: str) -> None:
    with pytest.raises(RuntimeRefusalError, match=said):
        native_argv(native, task, where="shifter")
