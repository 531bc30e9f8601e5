"""Apptainer, and SingularityCE, which shares its command line: an image file or an unpacked directory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from evaluation.model import Form, Role, Task
from evaluation.reasons import reason_in
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["OCI", "PRODUCTS", "RUNTIMES", "USERNS", "Apptainer", "product_of"]

USERNS: Final = "--userns"
"""Asks for a user namespace where the setuid starter would be used."""

OCI: Final = "--oci"
"""Asks SingularityCE, from version 4 on, to run the image by crun or runc."""

_PRODUCTS = {
    "apptainer": "Apptainer",
    "singularity-ce": "SingularityCE",
    "singularity-pro": "SingularityPRO",
    "singularity": "Singularity",
}

PRODUCTS: Final = {name: word for word, name in _PRODUCTS.items()}
"""The word by which each product goes, by its name."""

_OWN = ("FATAL", "ERROR", " ")
"""How its own lines begin that say why, and what goes on below them."""

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")

_CHOOSES_COMPRESSION: Final = ("Apptainer", (1, 4))
"""The product and its version from which on ``build`` takes ``--mksquashfs-args`` (its CHANGELOG, 1.4.0).
SingularityCE 4.5 has no such option."""


def product_of(version: str) -> tuple[str, tuple[int, ...]]:
    """Take the product and its version apart: ``SingularityCE 4.1.1-focal`` is that, and (4, 1, 1)."""
    product, _, rest = version.partition(" ")
    numbers = re.match(r"\d+(?:\.\d+)*", rest)
    return product, tuple(map(int, numbers[0].split("."))) if numbers else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Apptainer(Runtime):
    """``apptainer exec`` or ``singularity exec``."""

    how_to_get: ClassVar[str] = "apptainer.org has packages for most distributions; Debian has it in sid."
    programs: ClassVar[tuple[tuple[str, str], ...]] = (
        ("apptainer", "apptainer"),
        ("singularity", "singularity"),
        ("squashfuse", "squashfuse"),
    )
    limits_memory: ClassVar[bool] = True
    user_namespaces: ClassVar[bool] = True
    configuration: ClassVar[Argv] = (
        "/etc/apptainer/*",
        "/etc/apptainer/*/*",
        "/etc/singularity/*",
        "{home}/.apptainer/*.yaml",
        "/etc/subuid",
        "/etc/subgid",
    )

    def argv(self, task: Task) -> Argv:
        """Build ``apptainer exec --bind a:b:ro --env K=V --pwd /d image command``."""
        binds: list[str] = []
        for bind in task.binds:
            if any(mark in path for mark in ":," for path in (bind.source, bind.target)):
                raise self.refuse(
                    f"a bind's path holds a colon or a comma: {bind.source} -> {bind.target}",
                    "--bind separates its fields by them; use a path without.",
                )
            binds += ["--bind", f"{bind.source}:{bind.target}" + (":ro" if bind.read_only else "")]
        return (
            *self.pinned(task),
            self.command,
            *self.engine_options,
            "exec",
            *(("--memory", str(task.memory_bytes)) if task.memory_bytes else ()),
            *(("--writable-tmpfs",) if task.writable else ()),
            *self.options,
            *binds,
            # Without this Apptainer has a shell evaluate the values: $(command) is run.
            *(("--no-eval",) if task.env else ()),
            *(part for key, value in task.env for part in ("--env", self._setting(key, value))),
            *(("--pwd", task.workdir) if task.workdir else ()),
            self.named_image(task),
            *task.argv,
        )

    def _setting(self, key: str, value: str) -> str:
        """Quote one variable as the option's parser (pflag's StringToString) reads it.

        With a single ``=`` it takes the text as it is but trims double quotes at the ends; with more it
        reads a line of comma-separated values, and a line ends the same with and without a return.
        """
        text = f"{key}={value}"
        if "\r\n" in value:
            raise self.refuse(f"the value of {key} holds a carriage return", "--env would drop it.")
        if value.count("=") == 0:
            if text.endswith('"'):
                raise self.refuse(f"the value of {key} ends with a double quote", "--env would drop it.")
            return text
        return '"' + text.replace('"', '""') + '"'

    def version_argv(self) -> Argv:
        """Build ``apptainer --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read ``apptainer version 1.4.5`` and say which product it is."""
        product, told, version = output.strip().partition(" version ")
        # Singularity 2 printed the version alone.
        return f"{_PRODUCTS.get(product, product)} {version}" if told else f"Singularity {product}"

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """Exit status 255 with a line that begins FATAL is the runtime's own.

        So is 1 with a line of its starter's, which begins ERROR, padded to a colon: it is written in C, and
        is what sets namespaces up. Both may set a colour before a line, and reset it after the last.
        """
        own = {255: "FATAL", 1: "ERROR  :"}.get(exit_status)
        lines = _COLOUR.sub("", stderr).splitlines()
        if own is None or not any(line.startswith(own) for line in lines):
            return None
        return reason_in("\n".join(line for line in lines if line.startswith(_OWN)))

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Build a SIF, or a directory.

        With zstd where that can be asked for (six times faster to make than gzip, 4 % larger); else as the
        product does by itself. Which product and version it is stands in ``settings``. What it caches of the
        archive goes beside the form, and with it, and not into the user's home.
        """
        build: Argv = (self.command, *self.engine_options, "build", "--force")
        if self.form is Form.SIF:
            path = f"{store}/{self.form_of}.sif"
            product, version = product_of(dict(self.settings).get("version", ""))
            named, since = _CHOOSES_COMPRESSION
            if product == named and version >= since:
                build = (*build, "--mksquashfs-args", "-comp zstd -Xcompression-level 3")
        else:
            path = f"{store}/{self.form_of}"
            build = (*build, "--sandbox")
        return Preparation(
            reference=path,
            path=path,
            steps=((*build, path, f"docker-archive:{archives.docker}"),),
            env=tuple(f"{product}_CACHEDIR={store}/cache" for product in ("APPTAINER", "SINGULARITY")),
        )


# Privilege, and what mounts the image, are no mode's own: they are seen where it is started, see
# `evaluation.measure.apptainerhere`.
RUNTIMES = (
    Apptainer(
        id="apptainer",
        family="apptainer",
        mode="image file",
        form=Form.SIF,
        commands=("apptainer", "singularity"),
    ),
    Apptainer(
        id="apptainer-sandbox",
        family="apptainer",
        mode="unpacked directory",
        form=Form.DIRECTORY,
        commands=("apptainer", "singularity"),
    ),
    Apptainer(
        id="apptainer-userns",
        family="apptainer",
        mode="image file; a user namespace asked for",
        form=Form.SIF,
        commands=("apptainer", "singularity"),
        options=(USERNS,),
        role=Role.VARIANT,
        base="apptainer",
    ),
    Apptainer(
        id="apptainer-userns-sandbox",
        family="apptainer",
        mode="unpacked directory; a user namespace asked for",
        form=Form.DIRECTORY,
        commands=("apptainer", "singularity"),
        options=(USERNS,),
        role=Role.VARIANT,
        base="apptainer-sandbox",
    ),
    Apptainer(
        id="apptainer-contained",
        family="apptainer",
        mode="image file; own pid, ipc and network, nothing of the host's home or environment",
        form=Form.SIF,
        commands=("apptainer", "singularity"),
        # --network implies --net, but says so on stderr at every start.
        options=("--containall", "--cleanenv", "--no-home", "--net", "--network", "none"),
        role=Role.VARIANT,
        base="apptainer",
    ),
    Apptainer(
        id="apptainer-fakeroot",
        family="apptainer",
        mode="image file; root inside",
        form=Form.SIF,
        commands=("apptainer", "singularity"),
        options=("--fakeroot",),
        role=Role.VARIANT,
        base="apptainer",
    ),
    Apptainer(
        id="singularity-oci",
        family="apptainer",
        mode="image file; run by crun or runc (OCI mode)",
        form=Form.SIF,
        commands=("apptainer", "singularity"),
        options=(OCI,),
        role=Role.VARIANT,
        base="apptainer",
    ),
)
