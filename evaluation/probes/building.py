"""How each family of runtimes builds an image on top of another: one step with a shell, which leaves words.

The step writes a random word, its own user id map and its network interfaces into the new image, and a
container of that image gives them back: so a build counts only where what it built runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from evaluation.model import Form
from evaluation.probes.base import Completed, Session
from evaluation.probes.canaries import plant_file, secret
from evaluation.probes.canaryimage import forget, said, without_cache
from evaluation.probes.judging import PROBLEM

__all__ = ["BUILDERS", "Built", "Order", "built", "no_way_is_known", "order_of"]

_PATIENCE_S: Final = 120.0
_WHOLE_MAP: Final = "4294967295"
"""So many ids are mapped in the first user namespace alone (user_namespaces(7)): its root is the host's."""
_NO_PROXY: Final = "http://127.0.0.1:9"
"""Nobody listens there (discard, RFC 863): a client that heeds it reaches no registry."""
_STEP: Final = "echo {word} > /srv/mark && cat /proc/self/uid_map > /srv/map && cat /proc/net/dev > /srv/net"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build: on which base, with which word; ``times`` over, into the same place."""

    base: str
    word: str = field(default_factory=secret)
    name: str = field(default_factory=lambda: f"container-evaluation/built:{secret()[:12]}")
    times: int = 1

    @property
    def step(self) -> str:
        """The one step's command."""
        return _STEP.format(word=self.word)

    def containerfile(self) -> str:
        """The same as a Containerfile."""
        return f"FROM {self.base}\nRUN {self.step}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of a build. ``done`` are the commands; ``how`` says which options it took, in words."""

    ok: bool
    told: str
    done: tuple[Completed, ...]
    how: str = ""
    host_root: bool = False
    """Whether the step's root was the host's own."""
    interfaces: tuple[str, ...] = ()
    """The network interfaces that the step saw."""


Reference = str
Builder = Callable[[Session, Order], tuple[Reference, tuple[Completed, ...], str]]
"""Build; give how the runtime knows the result (empty: it failed), the commands, and how it was done."""


def no_way_is_known(session: Session) -> bool:
    """Record it where a runtime builds images, and no probe knows how."""
    if not session.adapter.builds_images or session.adapter.dialect in BUILDERS:
        return False
    session.record(PROBLEM, "no way is known to this probe by which images are built here")
    return True


@contextmanager
def built(session: Session, order: Order) -> Iterator[Built]:
    """Build, run what was built, and remove it afterwards.

    Raises
    ------
    RuntimeRefusalError
        The runtime builds no images, by design.
    """
    adapter = session.adapter
    if not adapter.builds_images:
        raise adapter.refuse("it builds no images: its own are converted from those that others built")
    reference, done, how = BUILDERS[adapter.dialect](session, order)
    try:
        if not reference:
            yield Built(ok=False, told=said(done[-1]), done=done, how=how)
            return
        turn = session.with_image(reference)
        ran = turn.launch(("/bin/cat", "/srv/mark", "/srv/map", "/srv/net"))
        lines = ran.stdout.decode("utf-8", "replace").splitlines()
        if not ran.ok or order.word not in lines[:1]:
            yield Built(
                ok=False, told=f"what was built does not run: {said(ran)}", done=(*done, ran), how=how
            )
            return
        yield Built(
            ok=True,
            told="",
            done=(*done, ran),
            how=how,
            host_root=any(line.split()[2:] == [_WHOLE_MAP] for line in lines[1:]),
            interfaces=tuple(line.split(":")[0].strip() for line in lines if ":" in line and "|" not in line),
        )
    finally:
        forget(session, order.name)


def _alone(argv: tuple[str, ...]) -> tuple[str, ...]:
    """A command whose client would reach no registry, and asks nobody for a password."""
    proxies = tuple(f"{name}_proxy={_NO_PROXY}" for name in ("http", "https", "all"))
    return without_cache(("env", *proxies, *argv))


def _repeated(session: Session, argv: tuple[str, ...], order: Order) -> tuple[Completed, ...]:
    """Run a command as often as was asked for, with nothing on its standard input, until it fails once."""
    done: list[Completed] = []
    while len(done) < order.times and (not done or done[-1].ok):
        done.append(session.on_host(_alone(argv), timeout_s=_PATIENCE_S))
    return tuple(done)


def _plant(session: Session, name: str, text: str) -> Path:
    plant_file(session.work, name, text, mode=0o644)
    return session.work / name


def _engine(session: Session, order: Order) -> tuple[Reference, tuple[Completed, ...], str]:
    """``docker build`` and ``podman build``; without the step's own network where that is to be had."""
    adapter = session.adapter
    file = _plant(session, "Containerfile", order.containerfile())
    session.on_host(("mkdir", "-p", str(session.work / "context")))
    ways = [("--network", "none")]
    if adapter.dialect == "podman":
        # Where no namespaces of processes or networks are to be had inside of the user's own.
        ways.append(("--isolation", "chroot"))
    done: tuple[Completed, ...] = ()
    for options in ways:
        build = ("build", "--quiet", *options, "--tag", order.name, "--file", str(file))
        argv = (adapter.command, *adapter.engine_options, *build, str(session.work / "context"))
        done = _repeated(session, argv, order)
        if done[-1].ok:
            return order.name, done, f"build {' '.join(options)}"
    return "", done, ""


def _apptainer(session: Session, order: Order) -> tuple[Reference, tuple[Completed, ...], str]:
    """``apptainer build`` from a file or directory that is here; the step runs on the host's network."""
    adapter = session.adapter
    text = f"Bootstrap: localimage\nFrom: {order.base}\n%post\n    {order.step}\n"
    file = _plant(session, "image.def", text)
    target = str(session.work / "built")
    kind = ("--sandbox",) if adapter.form is Form.DIRECTORY else ()
    options = (*FORCE, "--fakeroot", *kind)
    argv = (adapter.command, *adapter.engine_options, "build", *options, target, str(file))
    done = _repeated(session, argv, order)
    return (target if done[-1].ok else ""), done, f"build {' '.join(options)}"


FORCE: Final = ("--force",)
"""Without it Apptainer stops, or asks, where the image is there already."""


def _charliecloud(session: Session, order: Order) -> tuple[Reference, tuple[Completed, ...], str]:
    """``ch-image build`` in a storage directory of its own, from a tree or an image file that is here."""
    storage, target = str(session.work / "storage"), str(session.work / "built")
    file = _plant(session, "Containerfile", Order(base="base", word=order.word).containerfile())
    session.on_host(("mkdir", "-p", str(session.work / "context")))
    # The build cache is a git repository, which wants a name and an address of whoever builds.
    ch = ("env", f"CH_IMAGE_STORAGE={storage}", "CH_IMAGE_CACHE=disabled")
    image = (*ch, "ch-image", "--no-cache")
    done: tuple[Completed, ...]
    is_file = session.adapter.form is Form.SQUASHFS
    unpack = (*ch, "ch-convert", "-i", "squash", "-o", "ch-image", order.base, "base")
    bring = unpack if is_file else (*image, "import", order.base, "base")
    done = (session.on_host(bring, timeout_s=_PATIENCE_S),)
    if done[-1].ok:
        argv = (*image, "build", "--tag", "built", "--file", str(file), str(session.work / "context"))
        done += _repeated(session, argv, order)
    if done[-1].ok:
        convert = ("ch-convert", "-i", "ch-image", "-o", "squash" if is_file else "dir", "built", target)
        done += (session.on_host((*ch, *convert), timeout_s=_PATIENCE_S),)
    return (target if done[-1].ok else ""), done, "ch-image build"


def _bare(session: Session, order: Order) -> tuple[Reference, tuple[Completed, ...], str]:  # noqa: ARG001 - as every builder
    raise session.adapter.refuse("a plain process has no image that could be built")


BUILDERS: Final[Mapping[str, Builder]] = MappingProxyType(
    {
        "docker": _engine,
        "podman": _engine,
        "apptainer": _apptainer,
        "charliecloud": _charliecloud,
        "host": _bare,
    }
)
"""By family, of those that build images."""


def order_of(session: Session, *, times: int = 1) -> Order:
    """Order a build on the image of this turn, in the runtime's own form."""
    form = session.form
    return Order(base=(form.path or form.reference) if form else "", times=times)
