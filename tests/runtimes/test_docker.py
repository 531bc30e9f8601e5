from dataclasses import replace

import pytest
from tasks import ARCHIVES, BARE, FULL, PINNED, bound, of, setting

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.runtimes.docker import CONTAINERD_STORE

DOCKER = known_runtimes()["docker"]
ALICE = {"uid": 1000, "gid": 100, "runtime_dir": "/run/user/1000"}
USER, HARDENED, ROOTLESS, UNSAFE = (
    known_runtimes()[f"docker-{mode}"].for_user(**ALICE)  # type: ignore[arg-type]
    for mode in ("user", "hardened", "rootless", "unsafe")
)


def test_bare_task() -> None:
    assert DOCKER.argv(BARE) == (
        "docker", "run", "--rm", "--pull", "never", "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_full_task() -> None:
    assert DOCKER.argv(FULL) == (
        "docker", "run", "--rm", "--pull", "never", "--name", "job-1", "--interactive",
        "--mount", "type=bind,source=/data/in,target=/payload,readonly",
        "--mount", "type=bind,source=/data/out,target=/work",
        "--env", "PLAIN=1", "--env", "SPACED=two words=2", "--workdir", "/work", "image:1", "program",
    )  # fmt: skip


def test_options_of_a_site_stand_where_the_client_takes_them() -> None:
    runtime = DOCKER.using(
        command="/opt/docker", options=("--user", "1:1"), engine_options=("--host", "unix:///s")
    )
    assert runtime.argv(BARE) == (
        "/opt/docker", "--host", "unix:///s", "run", "--rm", "--pull", "never", "--user", "1:1",
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip
    assert runtime.version_argv()[:4] == ("/opt/docker", "--host", "unix:///s", "version")
    assert runtime.cleanup(FULL)[0][:4] == ("/opt/docker", "--host", "unix:///s", "rm")


@pytest.mark.parametrize("path", ["/a,readonly=false", '/a"b'])
def test_a_path_that_would_end_a_mount_field_is_refused(path: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="comma or a quote"):
        DOCKER.argv(bound(path))
    with pytest.raises(RuntimeRefusalError, match="comma or a quote"):
        DOCKER.argv(bound("/a", path))


@pytest.mark.parametrize("image", ["", "--privileged", "-v/:/host"])
def test_an_image_that_would_be_read_as_an_option_is_refused(image: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="is no image"):
        DOCKER.argv(of(image))


def test_a_value_is_one_word_as_it_is() -> None:
    assert "NAME=$HOME \"'\n," in DOCKER.argv(setting("$HOME \"'\n,"))


def test_version_is_the_engines() -> None:
    assert DOCKER.version_argv() == ("docker", "version", "--format", "{{.Server.Version}}")
    assert DOCKER.parse_version("20.10.24+dfsg1\n") == "20.10.24+dfsg1"


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (
            125,
            "docker: Error response from daemon: No such image: none:1.\nSee 'docker run --help'.\n",
            "docker: Error response from daemon: No such image: none:1.",
        ),
        (125, "unknown flag: --nope\nSee 'docker run --help'.\n", "unknown flag: --nope"),
        (
            125,
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n",
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.",
        ),
        (125, "", "docker failed without a word"),
        (
            127,
            'docker: Error response from daemon: exec: "/nope": no such file or directory: unknown.\n',
            'docker: Error response from daemon: exec: "/nope": no such file or directory: unknown.',
        ),
        (126, 'docker: Error response from daemon: exec: "/etc": permission denied\n', "docker: Error"),
        (127, "sh: 1: nope: not found\n", None),
        (126, "", None),
        (1, "docker: I am the program's own word\n", None),
        (0, "", None),
    ],
)
def test_own_failure_is_told_from_the_programs(status: int, stderr: str, said: str | None) -> None:
    reason = DOCKER.own_failure(status, stderr)
    assert reason == said or (said is not None and reason is not None and reason.startswith(said))


def test_prepare_loads_the_archive_and_asks_for_the_size() -> None:
    preparation = DOCKER.prepare(ARCHIVES, "/store")
    assert preparation.reference == "evaluation/small:1"
    assert preparation.path == ""
    assert preparation.steps == (("docker", "load", "--input", "/cache/docker.tar"),)
    size = ("docker", "image", "inspect", "--format", "{{.Size}}", "evaluation/small:1")
    assert preparation.sizes == (size,)
    rootless = replace(known_runtimes()["docker-rootless"], settings=(CONTAINERD_STORE,))
    engine = ("docker", *rootless.engine_options)
    assert rootless.prepare(ARCHIVES, "/store").sizes == (
        (*engine, *size[1:]),
        (*engine, "history", "--human=false", "--format", "{{.Size}}", "evaluation/small:1"),
    )


def test_cleanup_removes_the_container_by_its_name() -> None:
    assert DOCKER.cleanup(FULL) == (("docker", "rm", "--force", "job-1"),)
    assert DOCKER.cleanup(BARE) == ()


def test_listing_gives_every_containers_name() -> None:
    assert DOCKER.listing() == ("docker", "ps", "--all", "--format", "{{.Names}}")


def test_it_has_an_engine_and_no_adaptations() -> None:
    assert DOCKER.has_engine
    assert DOCKER.adaptations() == ()


def test_the_daemon_is_asked_for_the_processors() -> None:
    assert DOCKER.argv(PINNED) == (
        "docker", "run", "--rm", "--pull", "never", "--cpuset-cpus", "0-1", "image:1", "program",
    )  # fmt: skip


def test_as_the_user() -> None:
    assert USER.argv(BARE) == (
        "docker", "run", "--rm", "--pull", "never", "--user", "1000:100",
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_hardened() -> None:
    assert HARDENED.argv(BARE) == (
        "docker", "run", "--rm", "--pull", "never", "--user", "1000:100", "--cap-drop", "ALL", "--read-only",
        "--tmpfs", "/tmp", "--security-opt", "no-new-privileges", "--pids-limit", "512", "--network", "none",  # noqa: S108 - inside
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_rootless_is_another_engine() -> None:
    socket = ("docker", "--host", "unix:///run/user/1000/docker.sock")
    assert ROOTLESS.argv(BARE) == (
        *socket, "run", "--rm", "--pull", "never", "image:1", "program", "--flag", "two words",
    )  # fmt: skip
    assert ROOTLESS.version_argv() == (*socket, "version", "--format", "{{.Server.Version}}")
    assert ROOTLESS.cleanup(FULL) == ((*socket, "rm", "--force", "job-1"),)
    assert ROOTLESS.prepare(ARCHIVES, "/store").steps == ((*socket, "load", "--input", "/cache/docker.tar"),)


def test_a_rootless_engine_is_asked_for_memory_as_any_other() -> None:
    """It was not, and then accused of having ignored the limit."""
    task = replace(BARE, memory_bytes=2**20)
    assert ROOTLESS.argv(task)[3:9] == ("run", "--rm", "--pull", "never", "--memory", "1048576")


def test_a_rootless_engine_would_not_hold_to_processors_and_not_say_so() -> None:
    with pytest.raises(RuntimeRefusalError, match="says nothing"):
        ROOTLESS.argv(PINNED)


UNCONFINED = (
    "--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host", "--userns", "host",
    "--cgroupns", "host", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
    "--security-opt", "systempaths=unconfined",
)  # fmt: skip


def test_the_positive_control_takes_every_wall_down() -> None:
    assert UNSAFE.argv(BARE) == (
        "docker", "run", "--rm", "--pull", "never", "--privileged", *UNCONFINED,
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_where_the_engine_lacks_a_capability_it_takes_down_the_others() -> None:
    (adapted,) = UNSAFE.adaptations()
    assert adapted.argv(BARE) == (
        "docker", "run", "--rm", "--pull", "never", "--privileged", *UNCONFINED,
        "--privileged=false", "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
        "--device-cgroup-rule", "a *:* rwm",
        "--mount", "type=bind,source=/dev,target=/dev", "--mount", "type=bind,source=/sys,target=/sys",
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip
