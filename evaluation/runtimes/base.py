"""What a runtime adapter is: it turns a task into an argv, and runs nothing.

An adapter is pure. Everything it says is checked by exact-argv tests, and by the conformance list
against the real thing wherever that is present.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Self

from evaluation.errors import EvaluationError
from evaluation.model import Form, Task

__all__ = ["Argv", "Preparation", "Runtime", "RuntimeRefusalError"]

Argv = tuple[str, ...]


class RuntimeRefusalError(EvaluationError):
    """The adapter refuses a task that its runtime would misread or silently change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How the neutral image archives become this runtime's form.

    ``reference`` is what `Task.image` will hold; ``steps`` are run in order by the measuring user.
    """

    reference: str
    steps: tuple[Argv, ...]


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
    executable : str
        The client's command name, or an absolute path to it.
    options : tuple of str
        A site's or a variant's extra options, put where the client takes run options.
    engine_options : tuple of str
        The same for options before the subcommand.
    """

    id: str
    family: str
    mode: str
    form: Form
    executable: str
    options: Argv = ()
    engine_options: Argv = ()

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
        """Build the command line that prints the version (or shows that the command works)."""

    @abstractmethod
    def parse_version(self, output: str) -> str:
        """Read the version out of what `version_argv` printed."""

    @abstractmethod
    def prepare(self, image: str, docker_archive: str, oci_archive: str, tar: str, store: str) -> Preparation:
        """Say how to make this runtime's form of the image named ``image`` (``name:tag``).

        ``docker_archive``, ``oci_archive`` and ``tar`` are paths of the neutral archives, ``store`` is
        the directory that holds SIF files and unpacked trees.
        """

    def cleanup(self, task: Task) -> tuple[Argv, ...]:  # noqa: ARG002 - most runtimes leave nothing behind
        """Commands that end what the task may have left in an engine; empty where nothing can be."""
        return ()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:  # noqa: ARG002 - as above
        """Say in a sentence why the runtime itself failed, or ``None`` when the payload's exit it was."""
        return None

    def adaptations(self) -> tuple[Self, ...]:
        """Variants to try, in order, where the runtime does not start with its defaults."""
        return ()

    def with_options(self, *options: str) -> Self:
        """The same runtime with further run options."""
        return replace(self, options=(*self.options, *options))
