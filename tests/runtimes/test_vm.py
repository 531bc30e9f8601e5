"""The virtual machine: its exact command line, and a real one, with the processor emulated in software."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tasks import ARCHIVES, bound

import evaluation.images
from evaluation.images.build import BuiltImage
from evaluation.images.convert import content_inside
from evaluation.images.process import Run, must
from evaluation.measure.images import runner
from evaluation.measure.session import Arm, Bench
from evaluation.model import Bind, Role, Task
from evaluation.probes.base import Completed
from evaluation.runtimes import known_runtimes
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.runtimes.vm import VirtualMachine

VM = known_runtimes()["vm"]
SOURCES = Path(evaluation.images.__file__).parent
START = ("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none")
KERNEL = "console=ttyS0 quiet panic=-1 reboot=t random.trust_cpu=on"


def test_full_task() -> None:
    task = Task(
        image="/forms/vm",
        argv=("program", "two words"),
        binds=(
            Bind(source="/data,1", target="/work"),
            Bind(source="/payload", target="/payload", read_only=True),
        ),
        env=(("A", "1=2"),),
        workdir="/work",
        stdin=True,
        writable=True,
        cpus="0",
        memory_bytes=512 * 2**20,
    )
    assert VM.argv(task) == (
        "taskset", "-c", "0",
        "/forms/vm/start", "20", "9", "bind=share0:/work", "bind=share1:/payload", "env=A=1=2", "dir=/work",
        "writable", "stdin", "--", "program", "two words",
        "qemu-system-x86_64", *START, "-machine", "q35,accel=kvm", "-cpu", "host", "-smp", "2", "-m", "512M",
        "-kernel", "/forms/vm/kernel", "-initrd", "/forms/vm/initrd", "-append", KERNEL,
        "-drive", "if=none,id=image,format=raw,readonly=on,file.locking=off,file=/forms/vm/disk",
        "-device", "virtio-blk-pci,drive=image",
        "-fsdev", "local,id=share0,path=/data,,1,security_model=none,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=share0,mount_tag=share0",
        "-fsdev", "local,id=share1,path=/payload,security_model=none,multidevs=remap,readonly=on",
        "-device", "virtio-9p-pci,fsdev=share1,mount_tag=share1",
    )  # fmt: skip


def test_bare_task_has_its_command_and_nothing_else() -> None:
    argv = VM.argv(Task(image="/forms/vm", argv=("/bin/true",)))
    assert argv[:5] == ("/forms/vm/start", "20", "2", "--", "/bin/true")
    assert argv[argv.index("-m") + 1] == "2048M"
    assert "-fsdev" not in argv


def test_what_the_machine_cannot_do_is_refused() -> None:
    with pytest.raises(RuntimeRefusalError, match="terminal"):
        VM.argv(Task(image="/forms/vm", argv=("sh",), terminal=True))
    with pytest.raises(RuntimeRefusalError, match="absolute"):
        VM.argv(replace(bound("/data", "work"), image="/forms/vm"))


def test_only_its_own_words_are_its_own_failure() -> None:
    assert VM.own_failure(125, "vm: no kernel came up in the machine: it said nothing\n")
    assert VM.own_failure(125, "the program's own words\n") is None
    assert VM.own_failure(1, "vm: not with this status\n") is None


def test_the_version_is_qemu_s() -> None:
    said = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright (c) 2003-2022 Fabrice Bellard\n"
    assert VM.parse_version(said) == "7.2.22"
    assert VM.version_argv() == ("qemu-system-x86_64", "--version")


def test_it_is_made_of_what_lies_beside_its_adapter_and_is_never_ranked() -> None:
    made = VM.prepare(ARCHIVES, "/store")
    assert made.steps == (("sh", "/store/vm/make", "/store/vm", ARCHIVES.tar),)
    assert [path for path, _ in made.files] == ["/store/vm/init.c", "/store/vm/start.c", "/store/vm/make"]
    assert all((SOURCES / source).is_file() for _, source in made.files)
    assert VM.role is Role.BESIDE


# ---- a real machine, without KVM: slow, and the same in everything that is not its speed ---------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    vm: VirtualMachine
    image: str
    work: Path
    run: Run

    def __call__(self, *argv: str, stdin: bytes = b"", value: str = "") -> Completed:
        binds = (Bind(source=str(self.work), target="/work"),)
        task = Task(
            image=self.image,
            argv=argv,
            binds=binds,
            stdin=bool(stdin),
            workdir="/work",
            env=(("A", value),),
        )
        return self.run(self.vm.argv(task), stdin, 240.0)


@pytest.fixture(scope="module")
def machine(bench: Bench, image: BuiltImage) -> Iterator[Machine]:
    """A machine of the small image, made by the measuring user."""
    if not bench.launcher.find("qemu-system-x86_64"):
        pytest.skip("qemu-system-x86_64 is not here")
    assert isinstance(VM, VirtualMachine)
    vm, run = replace(VM, accelerator="tcg", patience_s=180), runner(bench.launcher)
    folder = Path(must(run, ("mktemp", "--directory")).stdout.decode().strip())
    made = vm.prepare(image.archives, str(folder))
    must(run, ("mkdir", made.path, str(folder / "work")))
    for path, source in made.files:
        must(run, ("tee", path), stdin=(SOURCES / source).read_bytes())
    for step in made.steps:
        done = run(step, b"", 120.0)
        if b"apt-get install" in done.stderr:
            shutil.rmtree(folder)
            pytest.skip(done.stderr.decode().strip())
        assert done.ok, done.stderr
    yield Machine(vm=vm, image=made.reference, work=folder / "work", run=run)
    must(run, ("rm", "-rf", str(folder)))


@pytest.mark.real
def test_a_command_has_its_input_its_bind_its_settings_and_its_ending(machine: Machine) -> None:
    script = 'cat; pwd; echo "$A"; echo kept >/work/out; touch /etc/x || echo locked; echo told >&2; exit 42'
    done = machine("sh", "-c", script, stdin=b"asked\n", value="two words")
    assert done.evidence.exit_status == 42
    assert done.stdout == b"asked\n/work\ntwo words\nlocked\n"
    assert done.stderr.endswith(b"told\n")
    assert (machine.work / "out").read_text() == "kept\n"


@pytest.mark.real
def test_a_command_that_is_not_there_or_is_killed_says_so(machine: Machine) -> None:
    assert machine("no-such-program").evidence.exit_status == 127
    assert machine("sh", "-c", "kill -9 $$").evidence.exit_status == 137


@pytest.mark.real
def test_a_machine_whose_kernel_does_not_come_up_says_so_in_time(machine: Machine) -> None:
    broken = replace(machine, vm=replace(machine.vm, options=("-S",), patience_s=2))  # it never starts to run
    done = broken("true")
    assert done.evidence.exit_status == 125
    assert "no kernel came up" in str(machine.vm.own_failure(125, done.stderr.decode()))


@pytest.mark.real
def test_the_image_is_the_same_inside(machine: Machine, bench: Bench, arm_of: Callable[[str], Arm]) -> None:
    digest = arm_of("host").image_digest  # it puts the image's list of paths beside the payload
    seen = content_inside(machine.image, machine.vm, machine.run, str(bench.payload), "small")
    assert seen.sha256 == digest
