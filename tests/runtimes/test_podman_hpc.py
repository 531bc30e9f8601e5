"""podman-hpc to its contract; nobody has run it with this adapter."""

import pytest
from tasks import ARCHIVES, BARE, FULL

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

PODMAN_HPC, PODMAN = known_runtimes()["podman-hpc"], known_runtimes()["podman"]


def test_it_takes_podmans_words() -> None:
    for task in (BARE, FULL):
        assert PODMAN_HPC.argv(task) == ("podman-hpc", *PODMAN.argv(task)[1:])
    assert PODMAN_HPC.dialect == PODMAN.family != PODMAN_HPC.family


def test_an_option_before_the_subcommand_would_not_reach_podman() -> None:
    with pytest.raises(RuntimeRefusalError, match="passes no option before the subcommand on: --runtime"):
        PODMAN_HPC.using(engine_options=("--runtime", "runc")).argv(BARE)
    assert not PODMAN_HPC.adaptations()


def test_an_image_is_loaded_and_squashed_and_both_are_forgotten() -> None:
    preparation = PODMAN_HPC.prepare(ARCHIVES, "/store")
    assert preparation.reference == "evaluation/small:1"
    assert preparation.steps == (
        ("podman-hpc", "load", "--input", "/cache/docker.tar"),
        ("podman-hpc", "migrate", "evaluation/small:1"),
    )
    assert PODMAN_HPC.forgetting("a:1") == (
        ("podman-hpc", "rmsqi", "a:1"),
        ("podman-hpc", "image", "rm", "--force", "a:1"),
    )


def test_the_version_is_that_of_podman_below() -> None:
    assert PODMAN_HPC.version_argv() == ("podman-hpc", "version", "--format", "{{.Client.Version}}")
    assert PODMAN_HPC.parse_version("4.9.4\n") == "4.9.4"
