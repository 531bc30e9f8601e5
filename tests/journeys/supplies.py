"""What a contributor writes in these tests: files of a probe, an attempt, a runtime and so on, in full."""

PROBE = '''\
"""With which permissions a program inside makes files."""

from collections.abc import Mapping

from evaluation.model import Outcome, Reference
from evaluation.probes.base import Judgement, Observations, Probe, Session
from evaluation.probes.judging import PROBLEM, problem


def observe(session: Session) -> None:
    """Ask a shell inside for its mask."""
    asked = session.launch(("sh", "-c", "umask"))
    if not asked.ok:
        session.record(PROBLEM, "the shell did not say its mask", evidence=(asked,))
        return
    session.record("mask", asked.stdout.decode().strip(), evidence=(asked,))


def judge(own: Observations, others: Mapping[str, Observations]) -> Judgement:
    """Hold where it is the bare host's."""
    fault = problem(own)
    if fault:
        return Judgement(outcome=Outcome.ERROR, message=fault)
    host = others.get("host", own)
    same = own.last("mask") == host.last("mask")
    message = f"the mask inside is {own.last('mask')}, and {host.last('mask')} on the bare host"
    return Judgement(outcome=Outcome.HOLDS if same else Outcome.FAILS, message=message)


PROBE = Probe(
    id="file_mode_mask",
    version=1,
    question="Does a program inside make files with the permissions that it would make them with outside?",
    why="A group that works on shared files sets its mask once, and relies on it in every job.",
    method="A shell inside is asked for its mask. The control is the same shell on the bare host.",
    remedy="Set the mask at the beginning of the job's script, inside the container too.",
    observe=observe,
    judge=judge,
    repeat="once",
    references=(Reference(title="umask(2)", url="https://man7.org/linux/man-pages/man2/umask.2.html"),),
)
'''
PROBE_TEST = """\
import pytest

from evaluation.model import Outcome
from evaluation.testing import judge


@pytest.mark.parametrize(
    ("inside", "outcome"), [("0022", Outcome.HOLDS), ("0077", Outcome.FAILS), ("", Outcome.FAILS)]
)
def test_the_table(inside: str, outcome: Outcome) -> None:
    assert judge("file_mode_mask", {"mask": inside}, host={"mask": "0022"}).outcome is outcome


def test_a_shell_that_says_nothing_is_an_error() -> None:
    assert judge("file_mode_mask", {"problem": "no answer"}, host={"mask": "0022"}).outcome is Outcome.ERROR
"""
CRITERION = """\
  file_mode_mask:
    question: Are files made with the user's own mask?
    group: operations
    probe: file_mode_mask
    figure: outcome
    outcomes: {HOLDS: 1, FAILS: 0, UNSUPPORTED: 0}
    reason: >-
      Yes or no; no weight until a use case asks for it. Files that the group cannot write are files that
      somebody has to mend.
    source: tests/journeys

"""
ATTEMPT = '''\
"""P99: whether the payload sees the host's name."""

from pathlib import Path

from evaluation.model import Reference, Severity
from evaluation.probes.base import Probe, Session
from evaluation.probes.judging import CONTROL_DONE, DETAIL, EFFECT, PROBLEM, Attempt

NAME = "/proc/sys/kernel/hostname"


def observe(session: Session) -> None:
    """Let the payload read the name, and compare it with the host's."""
    asked = session.launch(("cat", NAME))
    if not asked.ok:
        session.record(PROBLEM, "the name could not be read", evidence=(asked,))
        return
    name = asked.stdout.decode().strip()
    host = Path(NAME).read_text(encoding="utf-8").strip()
    session.record(CONTROL_DONE, bool(host))
    session.record(EFFECT, name == host, evidence=(asked,))
    session.record(DETAIL, "it is the host's" if name == host else "it is its own", evidence=(asked,))


PROBE = Probe(
    id="host_name_visibility",
    version=1,
    checklist_id="P99",
    question="Is a program inside kept from knowing the host's name?",
    why="A name tells an image from elsewhere on whose machine it runs.",
    method="The payload reads the kernel's host name. The verifier's own reading is the control.",
    remedy="Give the container a UTS namespace of its own, with a name that says nothing.",
    observe=observe,
    judge=Attempt(
        done="a program inside knows the host's name",
        not_done="no program inside knows the host's name",
        control="the verifier does",
    ),
    severity=Severity.LOW,
    severity_reason="It is a name, and names are in many files.",
    repeat="once",
    references=(Reference(title="hostname(7)", url="https://man7.org/linux/man-pages/man7/hostname.7.html"),),
)
'''
RUNTIME = '''\
"""A family of the journey's own: Charliecloud's client with the least that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evaluation.model import Form, Task
from evaluation.runtimes.base import Archives, Argv, Preparation, Runtime

__all__ = ["RUNTIMES", "Plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Runtime):
    """``ch-run DIRECTORY -- command``."""

    read_only_binds: ClassVar[bool] = False

    def argv(self, task: Task) -> Argv:
        """Build ``ch-run --bind a:b --set-env=K=V --cd=/d directory -- command``."""
        if task.writable:
            raise self.refuse("the image's tree cannot be written to without changing the image itself")
        binds: list[str] = []
        for bind in task.binds:
            if bind.read_only or ":" in bind.source + bind.target:
                raise self.refuse(f"this bind cannot be said: {bind.source} -> {bind.target}")
            binds += ["--bind", f"{bind.source}:{bind.target}"]
        for key, value in task.env:
            if value[:1] == value[-1:] == "'":
                raise self.refuse(f"{key} is in single quotes, of which ch-run takes one pair off")
        return (
            *self.pinned(task),
            self.command,
            *self.options,
            *binds,
            *(("--env-no-expand",) if task.env else ()),
            *(f"--set-env={key}={value}" for key, value in task.env),
            *((f"--cd={task.workdir}",) if task.workdir else ()),
            self.named_image(task),
            "--",
            *task.argv,
        )

    def version_argv(self) -> Argv:
        """Build ``ch-run --version``."""
        return (self.command, "--version")

    def parse_version(self, output: str) -> str:
        """Read the bare version."""
        return output.strip()

    def own_failure(self, exit_status: int, stderr: str) -> str | None:
        """A failure of ch-run itself is told by its own line on stderr."""
        if exit_status == 0:
            return None
        return next(
            (line for line in stderr.splitlines() if line.startswith("ch-run[") and "error:" in line), None
        )

    def prepare(self, archives: Archives, store: str) -> Preparation:
        """Unpack with Charliecloud's own converter."""
        path = f"{store}/{self.id}"
        return Preparation(
            reference=path, path=path, steps=(("ch-convert", "-i", "tar", "-o", "dir", archives.tar, path),)
        )


RUNTIMES = (
    Plain(
        id="plain",
        family="plain",
        mode="unprivileged user namespace, unpacked directory, the journey's own",
        form=Form.DIRECTORY,
        commands=("ch-run",),
    ),
)
'''
IMAGE = """\
# One busybox, and a file of the journey's own.
title: One static busybox under another name
purpose: An image that a contributor adds.
flavour: minimal
base: debian:bookworm-slim
suite: bookworm
variant: extract
packages:
  - busybox-static
links:
  /bin/sh: busybox
  /bin/true: busybox
  /bin/cat: busybox
directories: [/payload, /work, /host, /mnt, /srv, /opt, /home, /root, /run, /usr, /var/tmp]
empty_files: [/etc/hosts, /etc/resolv.conf, /etc/hostname, /etc/passwd, /etc/group, /etc/nsswitch.conf]
leave_out:
  - /dev/
  - /etc/apt/
  - /etc/dpkg/
  - /etc/fstab
  - /usr/
  - /var/cache/
  - /var/lib/
  - /var/log/
size_bytes: 2300000
epoch: 1793491200
path: /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
WORKLOAD = """\
# yaml-language-server: $schema=../docs/workload.schema.json
version: 1
question: How many lines does our job write per second?
why: It is most of what our queue runs.
method: A shell writes a file of a thousand lines.
image: small
argv: [sh, -c, "seq 1000 > lines.txt; echo wrote 1000; echo seconds 1.5"]
figures:
  lines: {pattern: '^wrote (\\d+)$', low: 1000, high: 1000}
  elapsed: {pattern: '^seconds ([0-9.]+)$', low: 1, high: 600, varies: true}
output: [lines.txt]
hashed: [lines.txt]
rate: {amount: lines, seconds: elapsed, unit: 1/s}
timeout_s: 60
"""
PACKAGE = """\

  - id: journey
    name: Journey
    verbatim: "JourneyRHEL7RHEL7RHEL7NA   asks nobody"
    row:
      build_platform: {said: RHEL7, reading: Built on RHEL 7.}
      running_platform: {said: RHEL7, reading: Runs on RHEL 7.}
      special_dependencies: {said: RHEL7, reading: Unclear.}
      upgradable: {said: NA, reading: Does not apply.}
      existing_vm: {said: "", reading: not said}
      existing_container: {said: "", reading: not said}
      links: {said: "", reading: not said}
      comments: {said: "asks nobody", reading: Nobody is asked.}
      date: {said: "", reading: not said}
    use_case: l1proc
    needs:
      - criterion: output_ownership
        without: care
        because: What is processed has to be moved by the same account.
        source: Our assumption.
    questions:
      - question: Whom could one ask?
        ask: whoever reads this
        mark: asks nobody
    not_shown:
      - Journey itself was not run here.
"""
