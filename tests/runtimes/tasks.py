"""Tasks that the adapters' tests share."""

from evaluation.model import Bind, Task
from evaluation.runtimes.base import Archives

__all__ = ["ARCHIVES", "BARE", "FULL", "PINNED", "bound", "of", "setting"]

BARE = Task(image="image:1", argv=("program", "--flag", "two words"))
"""Nothing but an image and a command."""

FULL = Task(
    image="image:1",
    argv=("program",),
    binds=(
        Bind(source="/data/in", target="/payload", read_only=True),
        Bind(source="/data/out", target="/work"),
    ),
    env=(("PLAIN", "1"), ("SPACED", "two words=2")),
    workdir="/work",
    name="job-1",
    stdin=True,
)
"""Everything a task can ask for."""

PINNED = Task(image="image:1", argv=("program",), cpus="0-1")
"""A command that is held to two processors."""

ARCHIVES = Archives(name="evaluation/small:1", tar="/cache/image.tar", docker="/cache/docker.tar")


def of(image: str) -> Task:
    return Task(image=image, argv=("program",))


def bound(source: str, target: str = "/work", *, image: str = "image:1", read_only: bool = False) -> Task:
    bind = Bind(source=source, target=target, read_only=read_only)
    return Task(image=image, argv=("program",), binds=(bind,))


def setting(value: str, *, image: str = "image:1") -> Task:
    return Task(image=image, argv=("program",), env=(("NAME", value),))
