import pytest
from tasks import ARCHIVES, BARE, FULL, PINNED, bound, of, setting

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

PODMAN = known_runtimes()["podman"]


def test_bare_task() -> None:
    assert PODMAN.argv(BARE) == (
        "podman", "run", "--rm", "--pull", "never", "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_full_task() -> None:
    assert PODMAN.argv(FULL) == (
        "podman", "run", "--rm", "--pull", "never", "--name", "job-1", "--interactive",
        "--mount", "type=bind,source=/data/in,target=/payload,readonly",
        "--mount", "type=bind,source=/data/out,target=/work",
        "--env", "PLAIN=1", "--env", "SPACED=two words=2", "--workdir", "/work", "image:1", "program",
    )  # fmt: skip


RUNC = ("--runtime", "runc", "--cgroup-manager", "cgroupfs")


def test_what_gives_up_least_is_tried_first_and_nothing_hangs_on_runc() -> None:
    limits, network = ("--ulimit", "host"), ("--network", "host")
    assert [variant.argv(of("image:1")) for variant in PODMAN.adaptations()] == [
        ("podman", *engine, "run", "--rm", "--pull", "never", *options, "image:1", "program")
        for engine, options in (
            (RUNC, ()),
            ((), limits), (RUNC, limits),
            ((), network), (RUNC, network),
            ((), (*limits, *network)), (RUNC, (*limits, *network)),
        )
    ]  # fmt: skip


def test_a_path_that_would_end_a_mount_field_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="comma or a quote"):
        PODMAN.argv(bound("/a,b"))


def test_a_value_that_would_be_changed_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="carriage return"):
        PODMAN.argv(setting("a\r\nb"))
    assert "NAME=a\nb\r" in PODMAN.argv(setting("a\nb\r"))


@pytest.mark.parametrize("image", ["", "--privileged"])
def test_an_image_that_would_be_read_as_an_option_is_refused(image: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="is no image"):
        PODMAN.argv(of(image))


def test_version() -> None:
    assert PODMAN.version_argv() == ("podman", "--version")
    assert PODMAN.parse_version("podman version 4.3.1\n") == "4.3.1"


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (125, "Error: none:1: image not known\n", "Error: none:1: image not known"),
        (
            125,
            "Error: statfs /missing: no such file or directory\n",
            "Error: statfs /missing: no such file or directory",
        ),
        (
            127,
            'Error: runc: exec: "/nope": OCI runtime attempted to invoke a command that was not found\n',
            'Error: runc: exec: "/nope": OCI runtime attempted to invoke a command that was not found',
        ),
        (127, "sh: 1: nope: not found\n", None),
        (1, "Error: the program's own word\n", None),
        (0, "", None),
    ],
)
def test_own_failure_is_told_from_the_programs(status: int, stderr: str, said: str | None) -> None:
    assert PODMAN.own_failure(status, stderr) == said


def test_prepare_loads_the_archive() -> None:
    preparation = PODMAN.prepare(ARCHIVES, "/store")
    assert preparation.reference == "evaluation/small:1"
    assert preparation.steps == (("podman", "load", "--input", "/cache/docker.tar"),)
    assert preparation.sizes[0][:3] == ("podman", "image", "inspect")


def test_cleanup_asks_twice() -> None:
    remove = ("podman", "rm", "--force", "--ignore", "--time", "0", "job-1")
    assert PODMAN.cleanup(FULL) == (remove, remove)
    assert PODMAN.cleanup(BARE) == ()


def test_adapted_everything_goes_to_the_same_engine() -> None:
    adapted = PODMAN.adaptations()[-1]
    engine = ("podman", *RUNC)
    preparation = adapted.prepare(ARCHIVES, "/store")
    for argv in (*preparation.steps, *preparation.sizes, *adapted.cleanup(FULL), adapted.listing()):
        assert argv[:5] == engine


def test_its_children_inherit_the_clients_processors() -> None:
    assert PODMAN.argv(PINNED) == (
        "taskset", "-c", "0-1", "podman", "run", "--rm", "--pull", "never", "image:1", "program",
    )  # fmt: skip


def test_the_user_keeps_its_id_with_every_adaptation() -> None:
    mode = known_runtimes()["podman-keep-id"]
    for runtime in (mode, *mode.adaptations()):
        argv = runtime.argv(BARE)
        assert argv[argv.index("--userns") + 1] == "keep-id"
        assert argv.index("--userns") > argv.index("run")
    assert mode.argv(BARE) == (
        "podman", "run", "--rm", "--pull", "never", "--userns", "keep-id",
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_without_control_groups_no_low_level_runtime_is_tried_that_refuses_that() -> None:
    mode = known_runtimes()["podman-cgroups-disabled"]
    assert mode.argv(BARE) == (
        "podman", "run", "--rm", "--pull", "never", "--cgroups=disabled",
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip
    engines = {variant.engine_options for variant in mode.adaptations()}
    assert engines == {(), ("--runtime", "crun")}
    assert {"--cgroups=disabled"} <= set.intersection(*(set(each.options) for each in mode.adaptations()))


@pytest.mark.parametrize("options", [("--cgroups=disabled",), ("--cgroups", "disabled")])
def test_a_site_may_spell_it_in_two_ways(options: tuple[str, ...]) -> None:
    assert {each.engine_options for each in PODMAN.using(options=options).adaptations()} == {
        (),
        ("--runtime", "crun"),
    }


def test_with_the_cgroupfs_manager_everything_is_asked_of_that_engine() -> None:
    mode = known_runtimes()["podman-cgroupfs"]
    engine = ("podman", "--cgroup-manager", "cgroupfs")
    assert mode.argv(BARE) == (
        *engine, "run", "--rm", "--pull", "never", "image:1", "program", "--flag", "two words",
    )  # fmt: skip
    for argv in (mode.listing(), *mode.cleanup(FULL), *mode.forgetting("image:1")):
        assert argv[:3] == engine


def test_a_warning_is_never_its_reason() -> None:
    """Where XDG_RUNTIME_DIR points nowhere podman warns first, and says the error last."""
    warned = 'time="x" level=warning msg="RunRoot is pointing to a path (/nowhere) which is not writable"\n'
    error = "Error: creating runtime static files directory: mkdir /nowhere: permission denied"
    assert PODMAN.own_failure(125, warned + error + "\n") == error
