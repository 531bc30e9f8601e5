"""A minimal virtual machine: qemu with KVM, a kernel of Debian's, one program, and the same image.

No container: it is there to check what is said of virtual machines (see ``docs/decisions/``). The image is a
squashfs on a disk, what is bound is shared by 9p, output comes over ports of the machine, and the command's
ending is reported by the machine's first program. It is made from the files in ``evaluation/images/machine``,
without root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Bind, Form, Role, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["RUNTIMES", "VirtualMachine"]

_FILES = ("init.c", "start.c", "make")
"""What it is made from, in ``evaluation/images/machine``."""
_MEMORY_MIB = 2048
"""What the machine believes to have; the host gives it only what is used."""
_CPUS = 2
_KERNEL = "console=ttyS0 quiet panic=-1 reboot=t random.trust_cpu=on"
_FAILED = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMachine(Runtime):
    """``start SECONDS COUNT word ... qemu-system-x86_64 ...``.

    Parameters
    ----------
    accelerator : str
        ``kvm``; ``tcg`` emulates the processor in software, which only the tests of this adapter do.
    patience_s : int
        How long the machine may take until its first program runs.
    """

    accelerator: str = "kvm"
    patience_s: int = 20

    how_to_get: ClassVar[str] = (
        "Debian: apt-get install qemu-system-x86 linux-image-amd64 cpio kmod squashfs-tools; the measuring "
        "user must be in group kvm. Without KVM nothing is measured: emulation in software says nothing."
    )
    builds_images: ClassVar[bool] = False
    device: ClassVar[str] = "/dev/kvm"
    limits_memory: ClassVar[bool] = True

    def argv(self, task: Task) -> Argv:
        """Build the client's words, the machine's, and qemu's command line."""
        if task.terminal:
            raise self.refuse("a terminal cannot be handed into the machine")
        image = self.named_image(task)
        words: list[str] = []
        shares: list[str] = []
        for number, bind in enumerate(task.binds):
            if "\0" in bind.target or not bind.target.startswith("/"):
                raise self.refuse(f"what is bound has to have an absolute target: {bind.target}")
            tag = f"share{number}"
            words.append(f"bind={tag}:{bind.target}")
            shares += _share(tag, bind)
        words += [f"env={key}={value}" for key, value in task.env]
        words += [f"dir={task.workdir}"] if task.workdir else []
        words += ["writable"] if task.writable else []
        words += ["stdin"] if task.stdin else []
        words += ["--", *task.argv]
        memory = f"{task.memory_bytes // 2**20 or 1}M" if task.memory_bytes else f"{_MEMORY_MIB}M"
        return (
            *self.pinned(task),
            f"{image}/start", str(self.patience_s), str(len(words)), *words,
            self.command, *self.options,
            "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            "-machine", f"q35,accel={self.accelerator}",
            "-cpu", "host" if self.accelerator == "kvm" else "max",
            "-smp", str(_CPUS), "-m", memory,
            "-kernel", f"{image}/kernel", "-initrd", f"{image}/initrd", "-append", _KERNEL,
            "-drive", f"if=none,id=image,format=raw,readonly=on,file.locking=off,file={_quoted(image)}/disk",
            "-device", "virtio-blk-pci,drive=image",
            *shares,
        )  # fmt: skip

    def version_argv(self) -> Argv:
        """Build ``qemu-system-x86_64 --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read ``QEMU emulator version 7.2.22 (Debian ...)``."""
        words = output.split()
        return words[words.index("version") + 1] if "version" in words[:-1] else output.strip()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """A machine that failed says so in a line of its own."""
        if exit_status != _FAILED:
            return None
        return next((line for line in stderr.splitlines() if line.startswith("vm: ")), None)

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Make the machine's disk, its kernel and its first program."""
        path = f"{store}/{self.id}"
        return Preparation(
            reference=path,
            path=path,
            files=tuple((f"{path}/{name}", f"machine/{name}") for name in _FILES),
            steps=(("sh", f"{path}/make", path, archives.tar),),
        )


def _share(tag: str, bind: Bind) -> list[str]:
    """Share a directory of the host by 9p: what is written in it is the measuring user's."""
    how = "security_model=none,multidevs=remap" + (",readonly=on" if bind.read_only else "")
    return [
        "-fsdev", f"local,id={tag},path={_quoted(bind.source)},{how}",
        "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}",
    ]  # fmt: skip


def _quoted(path: str) -> str:
    """Double the commas of a path, as qemu's options want it."""
    return path.replace(",", ",,")


RUNTIMES = (
    VirtualMachine(
        id="vm",
        family="vm",
        mode="virtual machine of its own for every command, KVM; root inside",
        form=Form.DISK,
        commands=("qemu-system-x86_64",),
        role=Role.BESIDE,
    ),
)
