import re
from dataclasses import replace

import pytest
from tasks import ARCHIVES, BARE, FULL, PINNED, bound, of, setting

from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

APPTAINER = known_runtimes()["apptainer"]
SANDBOX = known_runtimes()["apptainer-sandbox"]


def test_bare_task() -> None:
    assert APPTAINER.argv(BARE) == ("apptainer", "exec", "image:1", "program", "--flag", "two words")


def test_full_task() -> None:
    assert APPTAINER.argv(FULL) == (
        "apptainer", "exec", "--bind", "/data/in:/payload:ro", "--bind", "/data/out:/work",
        "--no-eval", "--env", "PLAIN=1", "--env", '"SPACED=two words=2"', "--pwd", "/work",
        "image:1", "program",
    )  # fmt: skip


def test_both_forms_are_run_alike() -> None:
    assert APPTAINER.argv(FULL) == SANDBOX.argv(FULL)


def test_contained() -> None:
    assert known_runtimes()["apptainer-contained"].argv(BARE) == (
        "apptainer", "exec", "--containall", "--cleanenv", "--no-home", "--net", "--network", "none",
        "image:1", "program", "--flag", "two words",
    )  # fmt: skip


def test_fakeroot() -> None:
    assert known_runtimes()["apptainer-fakeroot"].argv(BARE) == (
        "apptainer", "exec", "--fakeroot", "image:1", "program", "--flag", "two words",
    )  # fmt: skip


@pytest.mark.parametrize("base", ["apptainer", "apptainer-sandbox"])
def test_a_user_namespace_is_asked_for(base: str) -> None:
    mode = known_runtimes()[base.replace("apptainer", "apptainer-userns")]
    assert mode.argv(BARE) == ("apptainer", "exec", "--userns", "image:1", "program", "--flag", "two words")
    assert mode.base == base


def test_the_oci_mode_of_singularity() -> None:
    mode = known_runtimes()["singularity-oci"].using(command="singularity")
    assert mode.argv(BARE) == ("singularity", "exec", "--oci", "image:1", "program", "--flag", "two words")


def test_no_mode_claims_a_privilege_that_nobody_has_seen() -> None:
    modes = [runtime.mode for runtime in known_runtimes().values() if runtime.family == "apptainer"]
    assert len(modes) == 7
    assert not [mode for mode in modes if re.search("privileg|setuid|rootless", mode)]


@pytest.mark.parametrize("mode", ["apptainer-contained", "apptainer-fakeroot", "apptainer-userns"])
def test_a_mode_runs_the_image_file_of_its_base(mode: str) -> None:
    assert known_runtimes()[mode].prepare(ARCHIVES, "/store") == APPTAINER.prepare(ARCHIVES, "/store")


def test_options_of_a_site_stand_where_the_client_takes_them() -> None:
    runtime = APPTAINER.using(options=("--containall",), engine_options=("--quiet",))
    assert runtime.argv(of("i.sif")) == ("apptainer", "--quiet", "exec", "--containall", "i.sif", "program")


def test_singularity_is_the_second_command_of_the_family() -> None:
    assert APPTAINER.commands == ("apptainer", "singularity")
    assert APPTAINER.using(command="singularity").argv(BARE)[0] == "singularity"


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("plain", "NAME=plain"),
        ("", "NAME="),
        ("a,b", "NAME=a,b"),
        ("a=b", '"NAME=a=b"'),
        ('a="b",c', '"NAME=a=""b"",c"'),
        ("$(id)\n", "NAME=$(id)\n"),
    ],
)
def test_a_value_is_quoted_as_the_options_parser_reads_it(value: str, word: str) -> None:
    argv = APPTAINER.argv(setting(value))
    assert argv[argv.index("--env") + 1] == word
    assert argv[argv.index("--env") - 1] == "--no-eval"


@pytest.mark.parametrize("value", ['"quoted"', 'ends with a "', "a\r\nb", "a=\r\n"])
def test_a_value_that_would_be_changed_is_refused(value: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="the value of NAME"):
        APPTAINER.argv(setting(value))


@pytest.mark.parametrize("path", ["/a:rw", "/a,/etc:/host"])
def test_a_path_that_would_end_a_bind_field_is_refused(path: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="colon or a comma"):
        APPTAINER.argv(bound(path))
    with pytest.raises(RuntimeRefusalError, match="colon or a comma"):
        APPTAINER.argv(bound("/a", path))


@pytest.mark.parametrize("image", ["", "--writable"])
def test_an_image_that_would_be_read_as_an_option_is_refused(image: str) -> None:
    with pytest.raises(RuntimeRefusalError, match="is no image"):
        APPTAINER.argv(of(image))


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("apptainer version 1.4.5\n", "Apptainer 1.4.5"),
        ("apptainer version 1.3.4-1.el9\n", "Apptainer 1.3.4-1.el9"),
        ("singularity-ce version 4.1.1-focal\n", "SingularityCE 4.1.1-focal"),
        ("singularity version 3.8.7-1.el7\n", "Singularity 3.8.7-1.el7"),
        ("singularity-pro version 3.11-5\n", "SingularityPRO 3.11-5"),
        ("2.6.1-dist\n", "Singularity 2.6.1-dist"),
    ],
)
def test_version_names_the_product(printed: str, version: str) -> None:
    assert APPTAINER.version_argv() == ("apptainer", "--version")
    assert APPTAINER.parse_version(printed) == version


@pytest.mark.parametrize(
    ("status", "stderr", "said"),
    [
        (
            255,
            "INFO:    a note\nFATAL:   While checking container encryption: could not open image none.sif\n",
            "FATAL:   While checking container encryption: could not open image none.sif",
        ),
        (
            1,
            "WARNING: odd\nERROR  : Could not write info to setgroups: Permission denied\nERROR  : none\n",
            "ERROR  : Could not write info to setgroups: Permission denied",
        ),
        (
            1,
            "\x1b[31mERROR  : Installation issue: starter-suid doesn't have setuid bit set\n\x1b[0m",
            "ERROR  : Installation issue: starter-suid doesn't have setuid bit set",
        ),
        (255, "the program's own word\n", None),
        (1, "FATAL:   the program's own word\n", None),
        (0, "", None),
    ],
)
def test_own_failure_is_told_from_the_programs(status: int, stderr: str, said: str | None) -> None:
    assert APPTAINER.own_failure(status, stderr) == said


ZSTD = ("--mksquashfs-args", "-comp zstd -Xcompression-level 3")


@pytest.mark.parametrize(
    ("version", "chosen"),
    [
        ("Apptainer 1.4.5", ZSTD),
        ("Apptainer 1.4.0~rc.1", ZSTD),
        ("Apptainer 1.10.0-1.el9", ZSTD),
        ("Apptainer 1.3.6-1.el9", ()),
        ("SingularityCE 4.5.1", ()),  # it never had the option
        ("SingularityPRO 4.1.3", ()),
        ("Singularity 3.8.7-1.el7", ()),
        ("Apptainer unknown", ()),
        ("", ()),
    ],
)
def test_prepare_chooses_the_compression_only_where_it_can(version: str, chosen: tuple[str, ...]) -> None:
    preparation = replace(APPTAINER, settings=(("version", version),)).prepare(ARCHIVES, "/store")
    assert preparation.reference == preparation.path == "/store/apptainer.sif"
    assert preparation.steps == (
        (
            "apptainer", "build", "--force", *chosen, "/store/apptainer.sif",
            "docker-archive:/cache/docker.tar",
        ),
    )  # fmt: skip


def test_prepare_builds_a_directory() -> None:
    preparation = SANDBOX.prepare(ARCHIVES, "/store")
    assert preparation.reference == preparation.path == "/store/apptainer-sandbox"
    assert preparation.steps == (
        (
            "apptainer", "build", "--force", "--sandbox", "/store/apptainer-sandbox",
            "docker-archive:/cache/docker.tar",
        ),
    )  # fmt: skip


def test_prepare_caches_nothing_in_the_users_home() -> None:
    caches = ("APPTAINER_CACHEDIR=/store/cache", "SINGULARITY_CACHEDIR=/store/cache")
    assert [each.prepare(ARCHIVES, "/store").env for each in (APPTAINER, SANDBOX)] == [caches, caches]


def test_it_has_no_engine_and_leaves_nothing() -> None:
    assert not APPTAINER.has_engine
    assert not APPTAINER.cleanup(FULL)
    assert not APPTAINER.adaptations()
    assert not APPTAINER.listing()


def test_its_children_inherit_the_clients_processors() -> None:
    assert APPTAINER.argv(PINNED) == (
        "taskset", "-c", "0-1", "apptainer", "exec", "image:1", "program",
    )  # fmt: skip
