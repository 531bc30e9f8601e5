"""What a task may ask for beyond image, command and binds: each runtime's own option, or a refusal."""

import pytest

from evaluation.model import Task
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError

IMAGES = {"shifter": "id:00ff", "shifter-local": "local:/image"}


def argv(runtime: str, **asked: object) -> tuple[str, ...]:
    task = Task(image=IMAGES.get(runtime, "image"), argv=("true",), **asked)  # type: ignore[arg-type]
    return known_runtimes()[runtime].argv(task)


@pytest.mark.parametrize(
    ("runtime", "asked", "added"),
    [
        ("docker", {"memory_bytes": 1024}, ("--memory", "1024")),
        ("docker", {"memory_bytes": 1024, "cpus": "0"}, ("--cpuset-cpus", "0", "--memory", "1024")),
        ("podman", {"memory_bytes": 1024}, ("--memory", "1024")),
        ("apptainer", {"memory_bytes": 1024}, ("--memory", "1024")),
        ("docker", {"terminal": True}, ("--interactive", "--tty")),
        ("podman", {"terminal": True}, ("--interactive", "--tty")),
        ("apptainer", {"terminal": True}, ()),
        ("charliecloud", {"terminal": True}, ()),
        ("docker", {"writable": True}, ()),
        ("apptainer", {"writable": True}, ("--writable-tmpfs",)),
    ],
)
def test_the_option_is_added_and_nothing_else(
    runtime: str, asked: dict[str, object], added: tuple[str, ...]
) -> None:
    plain, changed = argv(runtime), argv(runtime, **asked)
    at = next(
        (index for index, pair in enumerate(zip(plain, changed, strict=False)) if len(set(pair)) > 1), 0
    )
    assert changed == (*plain[:at], *added, *plain[at:]) if added else changed == plain


@pytest.mark.parametrize("runtime", ["charliecloud", "shifter", "shifter-local"])
def test_a_tree_that_would_be_the_image_itself_is_not_written_to(runtime: str) -> None:
    with pytest.raises(RuntimeRefusalError, match=r"no layer|image itself"):
        argv(runtime, writable=True)


def test_who_can_be_asked_for_memory() -> None:
    able = {id_ for id_, runtime in known_runtimes().items() if runtime.limits_memory}
    families = {known_runtimes()[id_].family for id_ in able}
    assert families == {"docker", "podman", "podman-hpc", "apptainer", "vm"}
