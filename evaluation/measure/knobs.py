"""One flag at a time: by what Docker and Apptainer are weakened and hardened to try the checklist itself.

The same flag of Apptainer's is another thing above its setuid starter and in a user namespace. So where the
starter is the default, the mode that asks for a user namespace gets all of its flags too.

An attempt that no flag can flip shows nothing about any runtime (law 8). Each knob is one flag of the
client and nothing else; the null changes nothing, and must flip nothing. ``{uid}``, ``{gid}`` and ``{home}``
stand for the measuring user's, ``{disk}`` for the disk that the host's root lies on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evaluation.model import Effect
from evaluation.probes.security.environment_secret_inheritance import VARIABLE

__all__ = ["CALIBRATED", "KNOBS", "Knob"]

CALIBRATED: Final = ("docker", "apptainer", "apptainer-userns")
"""The runtimes whose flags are tried unless others are named, as far as they are here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One flag of a family's client, and what it is expected to do."""

    id: str
    family: str
    options: tuple[str, ...]
    effect: Effect
    expected: str


def _knobs(family: str, effect: Effect, *rows: tuple[str, tuple[str, ...], str]) -> tuple[Knob, ...]:
    return tuple(
        Knob(id=id_, family=family, options=options, effect=effect, expected=expected)
        for id_, options, expected in rows
    )


KNOBS = (
    *_knobs(
        "docker",
        Effect.NOTHING,
        ("null", ("--label", "org.example.evaluation=null"), "A label: nothing at all changes."),
    ),
    *_knobs(
        "docker",
        Effect.WEAKENS,
        ("privileged", ("--privileged",), "Every capability and device, no seccomp, nothing masked."),
        ("cap-all", ("--cap-add", "ALL"), "Every capability the engine has; filter and masks stay."),
        (
            "cap-most",
            ("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE"),
            "Every capability but one that many virtual machines do not have themselves.",
        ),
        ("cap-sys-admin", ("--cap-add", "SYS_ADMIN"), "Mounts, namespaces, and what seccomp ties to them."),
        ("cap-sys-ptrace", ("--cap-add", "SYS_PTRACE"), "Looking into processes of other users."),
        ("cap-sys-time", ("--cap-add", "SYS_TIME"), "Setting the node's clock."),
        ("cap-sys-boot", ("--cap-add", "SYS_BOOT"), "Restarting the node."),
        ("cap-sys-rawio", ("--cap-add", "SYS_RAWIO"), "Ports and raw memory."),
        ("cap-sys-module", ("--cap-add", "SYS_MODULE"), "Loading code into the kernel."),
        ("cap-syslog", ("--cap-add", "SYSLOG"), "Reading the kernel's log."),
        ("cap-bpf", ("--cap-add", "BPF"), "Loading programs and maps into the kernel."),
        ("cap-perfmon", ("--cap-add", "PERFMON"), "Watching the whole machine's counters."),
        ("cap-net-admin", ("--cap-add", "NET_ADMIN"), "Changing the network of its namespace."),
        (
            "cap-dac-read-search",
            ("--cap-add", "DAC_READ_SEARCH"),
            "Reading files past their modes, by handle.",
        ),
        ("seccomp-unconfined", ("--security-opt", "seccomp=unconfined"), "No filter of system calls."),
        ("apparmor-unconfined", ("--security-opt", "apparmor=unconfined"), "No AppArmor profile."),
        ("label-disable", ("--security-opt", "label=disable"), "No SELinux label of its own."),
        ("paths-unconfined", ("--security-opt", "systempaths=unconfined"), "Nothing of /proc, /sys masked."),
        ("pid-host", ("--pid", "host"), "The host's processes are in sight."),
        ("network-host", ("--network", "host"), "The host's interfaces, loopback and abstract sockets."),
        ("ipc-host", ("--ipc", "host"), "The host's shared memory and /dev/shm."),
        ("uts-host", ("--uts", "host"), "The host's own name."),
        ("userns-host", ("--userns", "host"), "No remapping of user ids, where the daemon has one."),
        ("cgroupns-host", ("--cgroupns", "host"), "The host's tree of control groups."),
        (
            "devices-allowed",
            ("--device-cgroup-rule", "a *:* rwm"),
            "Any device may be opened that it can make.",
        ),
        ("disk", ("--device", "{disk}"), "The host's disk as a device."),
        ("kernel-log-device", ("--device", "/dev/kmsg"), "The kernel's log as a device."),
        ("bind-root", ("--volume", "/:/knob"), "The host's whole tree, elsewhere."),
        ("bind-dev", ("--volume", "/dev:/dev"), "The host's devices, as far as they may be opened."),
        ("bind-tmp", ("--volume", "/tmp:/tmp"), "The host's /tmp with what users leave there."),
        ("bind-home", ("--volume", "{home}:{home}"), "The user's home with its keys."),
        ("bind-shm", ("--volume", "/dev/shm:/dev/shm"), "The host's shared memory files."),
        (
            "bind-socket",
            ("--volume", "/var/run/docker.sock:/var/run/docker.sock"),
            "The engine's socket: a second container can be anything.",
        ),
        ("environment", ("--env", VARIABLE), "A secret of the user's environment, handed on by name."),
    ),
    *_knobs(
        "docker",
        Effect.HARDENS,
        ("cap-none", ("--cap-drop", "ALL"), "No capability at all, root inside or not."),
        ("no-mknod", ("--cap-drop", "MKNOD"), "No device nodes."),
        ("no-net-raw", ("--cap-drop", "NET_RAW"), "No raw and packet sockets."),
        ("no-setuid", ("--cap-drop", "SETUID"), "No change of user."),
        ("no-setgid", ("--cap-drop", "SETGID"), "No change of groups."),
        ("no-chown", ("--cap-drop", "CHOWN"), "No giving away of files."),
        ("no-fsetid", ("--cap-drop", "FSETID"), "Setuid bits are lost when files are written."),
        ("no-kill", ("--cap-drop", "KILL"), "No signals to other users' processes."),
        ("no-dac-override", ("--cap-drop", "DAC_OVERRIDE"), "File modes hold for root inside too."),
        ("no-new-privileges", ("--security-opt", "no-new-privileges"), "No gain by setuid programs."),
        ("user", ("--user", "{uid}:{gid}"), "The measuring user inside, not root."),
        ("read-only", ("--read-only",), "The image's root file system cannot be written."),
        ("network-none", ("--network", "none"), "No network but a loopback of its own."),
        ("ipc-none", ("--ipc", "none"), "No /dev/shm at all."),
        ("cgroupns-private", ("--cgroupns", "private"), "Its own control group looks like the top."),
        ("tmpfs", ("--tmpfs", "/tmp"), "An empty /tmp of its own, nosuid and noexec."),
        ("memory", ("--memory", "64m"), "A limit of memory."),
        ("pids", ("--pids-limit", "16"), "A limit of processes."),
        ("ulimit", ("--ulimit", "cpu=1800"), "A limit of its own in place of the job's."),
        ("no-files", ("--ulimit", "fsize=0:0"), "No file can grow."),
        ("init", ("--init",), "A process 1 that reaps what is left."),
    ),
    *_knobs(
        "apptainer",
        Effect.NOTHING,
        ("null", ("--disable-cache",), "The image is a local one, no cache is used: nothing changes."),
    ),
    *_knobs(
        "apptainer",
        Effect.WEAKENS,
        ("fakeroot", ("--fakeroot",), "Root inside, of a user namespace with many ids."),
        (
            "writable-tmpfs",
            ("--writable-tmpfs",),
            "The root file system can be written, for nothing lasting.",
        ),
        ("bind-root", ("--bind", "/:/knob"), "The host's whole tree, elsewhere."),
        ("bind-dev", ("--bind", "/dev"), "The host's devices, all of them."),
        ("bind-socket", ("--bind", "/var/run/docker.sock"), "Docker's socket, where its engine runs too."),
        (
            "add-caps",
            ("--add-caps", "CAP_SYS_ADMIN"),
            "Mounts: in a user namespace, or where an administrator granted the capability.",
        ),
        ("keep-privs", ("--keep-privs",), "Root keeps its privileges: root only."),
        ("allow-setuid", ("--allow-setuid",), "Setuid programs work: root only."),
        ("no-pid", ("--no-pid",), "The host's processes stay in sight, which is the default."),
    ),
    *_knobs(
        "apptainer",
        Effect.HARDENS,
        ("contain", ("--contain",), "Small /dev, empty /tmp and home, no shared memory."),
        ("containall", ("--containall",), "The same, with processes, IPC and environment of its own."),
        ("compat", ("--compat",), "As Docker would: containall, and a writable root."),
        ("cleanenv", ("--cleanenv",), "Nothing of the host's environment."),
        ("no-home", ("--no-home",), "The user's home is not mounted."),
        ("no-tmp", ("--no-mount", "tmp"), "The host's /tmp is not mounted."),
        ("no-dev", ("--no-mount", "dev"), "The host's /dev is not mounted."),
        ("no-proc", ("--no-mount", "proc"), "No /proc at all."),
        ("no-sys", ("--no-mount", "sys"), "No /sys at all."),
        ("pid", ("--pid",), "Processes of its own."),
        ("ipc", ("--ipc",), "IPC of its own."),
        ("uts", ("--uts",), "A host name of its own."),
        (
            "userns",
            ("--userns",),
            "A user namespace in place of the setuid starter; without that, every start makes one.",
        ),
        (
            "unsquash",
            ("--unsquash",),
            "The image file is unpacked first, and not mounted.",
        ),
        ("drop-caps", ("--drop-caps", "ALL"), "No capability, not even for root inside."),
        ("network-none", ("--net", "--network", "none"), "No network but a loopback of its own."),
        ("no-privs", ("--no-privs",), "Root loses its privileges inside."),
        ("no-umask", ("--no-umask",), "The job's umask is not carried over."),
        ("workdir", ("--scratch", "/tmp"), "An empty /tmp of its own."),
    ),
)
