"""What a runtime adapter is: it turns a task into an argv, and runs nothing.

An adapter is pure. Everything it says is checked by exact-argv tests, and by the conformance list
against the real thing wherever that is present.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from evaluation.errors import EvaluationError
from evaluation.model import Bind, Form, Role, Task

__all__ = ["Archives", "Argv", "Preparation", "Runtime", "RuntimeRefusalError", "unpacking"]

Argv = tuple[str, ...]


class RuntimeRefusalError(EvaluationError):
    """The adapter refuses a task that its runtime would misread or silently change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archives:
    """The neutral archives of one image, by path. ``name`` is its reference, as ``name:tag``."""

    name: str
    tar: str
    docker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How the neutral archives become this runtime's form.

    ``reference`` is what `Task.image` will hold. ``steps`` are run in order by the measuring user.
    ``path`` is the file or directory that they make, if any: what is there already is removed first.
    ``sizes`` print what the form takes where it lives in an engine's store, in bytes, one number a line;
    all of them are added up. ``files`` are written below ``path`` first: where to, and which file below
    ``evaluation/images``. ``env`` is what the steps get besides, as ``NAME=value``.
    """

    reference: str
    steps: tuple[Argv, ...]
    path: str = ""
    sizes: tuple[Argv, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    env: tuple[str, ...] = ()


def unpacking(archives: Archives, tree: str) -> tuple[Argv, ...]:
    """Unpack an image's tree: what it says of owners means nothing to a user; modes do."""
    return (
        ("mkdir", tree),
        ("tar", "--extract", "--preserve-permissions", "--no-same-owner", "--exclude=./dev/*",
         "--file", archives.tar, "--directory", tree),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime(ABC):
    """One runtime in one mode.

    Parameters
    ----------
    id : str
        Unique, as in ``apptainer-sandbox``.
    family : str
        The adapter's file: ``docker``, ``podman``, ``apptainer``, ``charliecloud``, ``shifter``.
    mode : str
        In words: what distinguishes this mode, privilege first.
    form : Form
        The image form it runs.
    commands : tuple of str
        Names or paths under which the client may be found, best first. The first is used by `argv`.
    options : tuple of str
        A site's or a variant's extra options, put where the client takes run options.
    engine_options : tuple of str
        The same for options before the subcommand. In both, ``{uid}``, ``{gid}`` and ``{runtime_dir}`` stand
        for the measuring user's, which no adapter can know; see `for_user`.
    role : Role
        What part it takes.
    base : str
        The runtime of which it is a mode, where it runs that one's form of the image.
    images : tuple of (str, str)
        References of images that the site keeps itself, by our images' names.
    settings : tuple of (str, str)
        What was read of its configuration on this host, where an adapter needs to know it.
    """

    id: str
    family: str
    mode: str
    form: Form
    commands: Argv
    options: Argv = ()
    engine_options: Argv = ()
    role: Role = Role.ALTERNATIVE
    base: str = ""
    images: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    how_to_get: ClassVar[str] = ""
    """What to do where it is missing, in a sentence."""

    programs: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The programs it consists of: each one's name among the advisories, and its command."""

    converters: ClassVar[Argv] = ()
    """Commands that make its form of an image and do not come with its client in every release."""

    builds_images: ClassVar[bool] = True
    """Whether it can build an image; else its own are converted from those that others built."""

    knows_signatures: ClassVar[bool] = True
    """Whether it can be asked to refuse what is not signed."""

    has_engine: ClassVar[bool] = False
    """Whether the payload runs outside the client's process tree, out of sight of its accounting."""

    engine_processes: ClassVar[Argv] = ()
    """Names of the daemons that work for this runtime whether a container runs or not."""

    read_only_binds: ClassVar[bool] = True
    """Whether a bind can be made read-only."""

    tells_signals: ClassVar[bool] = True
    """Whether it can be told from its exit status that the program died of a signal."""

    limits_memory: ClassVar[bool] = False
    """Whether a memory limit can be asked of it by an option of its own."""

    takes_images: ClassVar[bool] = True
    """Whether a user can bring it an image; else the site makes all of them."""

    user_namespaces: ClassVar[bool] = False
    """Whether it makes a user namespace, where no setuid helper works for it."""

    device: ClassVar[str] = ""
    """A device that the measuring user must be able to use, without which it is not here."""

    built_with: ClassVar[Argv] = ()
    """Words by which the command is asked whether it was built with what the mode needs: 0 is yes."""

    configuration: ClassVar[Argv] = ()
    """Files that configure it, as patterns; ``{home}`` and ``{config}`` stand for the measuring user's."""

    tells_version: ClassVar[bool] = True
    """Whether the command can be asked for its version at all."""

    @property
    def form_of(self) -> str:
        """Id of the runtime whose form of the image it runs: its own, or its base's."""
        return self.base or self.id

    @property
    def dialect(self) -> str:
        """The family whose command line it understands: its own, or that of what it wraps."""
        return self.family

    @property
    def command(self) -> str:
        """The client's command."""
        return self.commands[0]

    @abstractmethod
    def argv(self, task: Task) -> Argv:
        """Build the command line that runs the task.

        Raises
        ------
        RuntimeRefusalError
            The runtime would misread the task or silently change it.
        """

    @abstractmethod
    def version_argv(self) -> Argv:
        """Build the command line that prints the version, or at least shows that the command works."""

    @abstractmethod
    def parse_version(self, output: str) -> str:
        """Read the version out of what `version_argv` printed."""

    @abstractmethod
    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Say how to make this runtime's form; ``store`` is the directory for files and trees."""

    def sees(self, bind: Bind) -> str:
        """Tell where a bound directory is found from inside."""
        return bind.target

    def sees_image(self, reference: str, path: str) -> str:  # noqa: ARG002 - the host's needs it
        """Tell where a path of the image is found from inside."""
        return path

    def replaced(self) -> Argv:
        """Paths of an image, without the first slash, in whose place every container sees something else."""
        return ()

    def cleanup(self, task: Task) -> tuple[Argv, ...]:  # noqa: ARG002 - most runtimes leave nothing
        """Commands that end what the task may have left in an engine."""
        return ()

    def stored(self, image: str) -> tuple[Argv, ...]:  # noqa: ARG002 - most have no store
        """Commands that print what an image takes in a store of the runtime's, as `Preparation.sizes`."""
        return ()

    def forgetting(self, image: str) -> tuple[Argv, ...]:  # noqa: ARG002 - most have no store
        """Commands that remove an image, by its name, from a store of the runtime's."""
        return ()

    def listing(self) -> Argv:
        """Command that prints the names of all containers an engine holds, running or not, one a line."""
        return ()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:  # noqa: ARG002 - as above
        """Say why the runtime itself failed, or ``None`` when the payload's own exit it was."""
        return None

    def adaptations(self) -> tuple[Self, ...]:
        """Variants to try, in order, where the runtime does not start a container as it is."""
        return ()

    def for_user(self, *, uid: int, gid: int, runtime_dir: str) -> Self:
        """The same runtime with the measuring user filled in; ``runtime_dir`` is XDG_RUNTIME_DIR's value."""

        def filled(options: Argv) -> Argv:
            known = {"{uid}": str(uid), "{gid}": str(gid), "{runtime_dir}": runtime_dir}
            return tuple(
                re.sub(r"\{(?:uid|gid|runtime_dir)\}", lambda found: known[found[0]], option)
                for option in options
            )

        return replace(self, options=filled(self.options), engine_options=filled(self.engine_options))

    def using(self, *, command: str = "", options: Argv = (), engine_options: Argv = ()) -> Self:
        """The same runtime under another command name or with further options."""
        return replace(
            self,
            commands=(command, *self.commands) if command else self.commands,
            options=(*self.options, *options),
            engine_options=(*self.engine_options, *engine_options),
        )

    def named_image(self, task: Task) -> str:
        """Give the image's name, for clients that take it as a bare word.

        Raises
        ------
        RuntimeRefusalError
            The client would take it for an option, or the next word for the image.
        """
        if not task.image or task.image.startswith("-"):
            raise self.refuse(
                f"{task.image!r} is no image: the client would read it as an option, or not at all",
                "Name the image so that it does not begin with a dash.",
            )
        return task.image

    def pinned(self, task: Task) -> Argv:
        """What stands before the client to hold the task to its processors.

        A client's children inherit them. An engine that does not run the payload below its client has to
        be asked by an option of its own.
        """
        return ("taskset", "-c", task.cpus) if task.cpus else ()

    def refuse(self, what: str, advice: str = "") -> RuntimeRefusalError:
        """The error for a task this runtime cannot run as it was meant."""
        return RuntimeRefusalError(what, where=self.id, advice=advice)
