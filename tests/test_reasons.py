"""Which line of what a program printed is its reason; the texts are real ones, shortened in number only."""

from __future__ import annotations

import pytest

from evaluation.reasons import reason_in, shortened

APPTAINER = (
    "INFO:    Converting SIF file to temporary sandbox...",
    "WARNING: underlay of /etc/localtime required more than 50 (64) bind mounts",
    "FATAL:   while extracting /cache/small.sif: root filesystem extraction failed: no unsquashfs found",
)
PODMAN = (
    'time="2026-11-29T10:00:00Z" level=warning msg="The cgroupv2 manager is set to systemd"',
    'time="2026-11-29T10:00:00Z" level=warning msg="For using systemd, you may need to login"',
    "Error: creating events dirs: mkdir /nowhere/libpod: permission denied",
)
DOCKER = (
    "WARNING: Error loading config file: /root/.docker/config.json: permission denied",
    'docker: Error response from daemon: failed to create task: exec: "/nothing": no such file: unknown.',
    "See 'docker run --help'.",
)
LINKER = (
    "/usr/bin/ld: cannot find -lc: No such file or directory",
    "collect2: error: ld returned 1 exit status",
)
COMPILER = (
    "probe.c: In function 'main':",
    "probe.c:12:5: warning: unused variable 'x' [-Wunused-variable]",
    "   12 |     int x;",
    "probe.c:14:5: error: expected ';' before '}' token",
    "   14 |     }",
)
PYTHON = (
    "Traceback (most recent call last):",
    '  File "x.py", line 1, in <module>',
    "ModuleNotFoundError: No module named 'numpy'",
)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (APPTAINER, APPTAINER[2]),
        (PODMAN, PODMAN[2]),
        (DOCKER, DOCKER[1]),
        (LINKER, LINKER[0]),
        (COMPILER, "probe.c:14:5: error: expected ';' before '}' token"),
        (PYTHON, PYTHON[2]),
        (
            (
                "WARN[0000] cannot find a mapping",
                "ERRO[0000] running newuidmap: not permitted",
                "Error: exit 1",
            ),
            "ERRO[0000] running newuidmap: not permitted",
        ),
        (
            ("ch-run[12]: warning: /x is odd", "ch-run[12]: error: can't init user+mount namespaces: denied"),
            "ch-run[12]: error: can't init user+mount namespaces: denied",
        ),
        (("Error: two errors occurred:", "\t* one is this", "\t* the other"), "* one is this * the other"),
        (("make: *** [Makefile:2: all] Error 2",), "make: *** [Makefile:2: all] Error 2"),
        (("sbatch: error: Batch job submission failed: Invalid account", "bye"), "Invalid account"),
        (("all is well", "nothing was done"), "nothing was done"),
        (("\x1b[31mError:\x1b[0m it \x07broke",), "Error: it broke"),
        (("slurm_load_jobs error: Unable to contact slurm controller",), "Unable to contact"),
        (("E: Unable to locate package nothing", "W: there is more"), "E: Unable to locate package nothing"),
    ],
)
def test_the_line_that_says_why_is_chosen_whole(lines: tuple[str, ...], reason: str) -> None:
    """Not the first, not the last, not a warning; nothing is lost at a colon."""
    chosen = reason_in("\n".join(lines))
    assert reason in chosen
    assert "warning" not in chosen.lower()


def test_a_warning_alone_is_not_taken_for_the_reason() -> None:
    """It is shown, but as what it is."""
    assert reason_in("WARNING: the cache is old\n") == (
        "it gave no reason, only a warning (WARNING: the cache is old)"
    )


def test_silence_stays_silence() -> None:
    """Nothing is made up."""
    assert not reason_in(" \n\n")


def test_a_long_reason_is_cut_at_a_word_and_shows_it() -> None:
    """Half a word may be another word."""
    text = "Error: " + "word " * 400
    cut = shortened(text)
    assert cut.endswith(" …")
    assert set(cut.removeprefix("Error: ").removesuffix(" …").split()) == {"word"}
