"""A real job: a script that is submitted, runs the runtime's client on a node, is accounted and cancelled.

What the job says on its way stands in files of the turn's directory, which the node must see as we do.
"""

from __future__ import annotations

import re
import shlex
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.folders import HeldFolder
from evaluation.payload.build import PROBE as PAYLOAD
from evaluation.probes.asking import NoAnswerError
from evaluation.probes.base import Completed, Launch, Session
from evaluation.probes.batchsystem import HELD, Account, BatchSystem, Limits
from evaluation.probes.canaries import plant_file, secret, wait_for
from evaluation.probes.controlgroups import groups_in, hierarchies
from evaluation.probes.judging import NOT_PLANTED, PROBLEM, UNAVAILABLE
from evaluation.reasons import reason_in, reason_of

__all__ = [
    "GROUP",
    "MARK",
    "NO_ENGINE",
    "Job",
    "idle_account",
    "job",
    "survivor_facts",
]

NO_ENGINE = "asked inside a real job only: measure at a site whose batch system jobs are submitted to"

GROUP = "{job-group}"
"""Stands in an option for the job's own control group, which is known inside the job alone."""

MARK = "EVALUATION_JOB"
"""A variable of the job's script, which what it starts inherits."""

START_S = 60.0
"""How long a job may wait for a slot, and its payload for its start."""
END_S = 60
_LOOK_S = 3.0
BOOKS_S = 20.0
"""How long after a job's end its account may come."""
_NO_CONTACT = re.compile("contact|connect|time.?out|timed out|commlib", re.IGNORECASE)
"""A scheduler that is not reached has refused nothing."""

_SCRIPT = """\
#!/bin/bash
{first}cd {folder} || exit 1
{mark}={token}; export {mark}
{{ echo "node=${{SLURMD_NODENAME:-}}"; echo "host=$(hostname)"; cat /proc/self/cgroup; }} >{name}.facts.new
mv {name}.facts.new {name}.facts
group=$(sed -n 's#^[0-9]*:\\(memory\\|\\):\\(/.*slurm.*\\)#\\2#p' /proc/self/cgroup | head -n 1)
{before}{exec}{command} >{name}.out 2>{name}.err </dev/null
status=$?
echo "$status" >{name}.status.new
mv {name}.status.new {name}.status
exit "$status"
"""


@dataclass(slots=True, kw_only=True)
class Job:
    """One job that was submitted. ``number`` is empty where the engine took nothing."""

    session: Session
    system: BatchSystem
    launch: Launch
    name: str
    token: str
    number: str
    in_place: bool = False
    evidence: list[Completed] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, str]:
        """What the job's script told of its node."""
        lines = self._text("facts").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line[0].isdigit())

    @property
    def has_group(self) -> bool:
        """Whether the engine gave the job a control group of its own."""
        return "slurm" in "".join(line for line in self._text("facts").splitlines() if line[0].isdigit())

    def groups_left(self) -> str:
        """Count the hierarchies in which the job's own control group is still there; empty for none."""
        groups = [group for group in groups_in(self._text("facts")) if "slurm" in group.path]
        own = max((group.path for group in groups), key=len, default="")
        left = [group for group in groups if group.path == own and group.folder.is_dir()]
        return f"{own} in {hierarchies(len(left))}" if left else ""

    @property
    def elsewhere(self) -> str:
        """The other host that it ran on, whose processes cannot be seen from here; empty where it is ours."""
        host = self.facts.get("host", "")
        return "" if host in {"", socket.gethostname()} else host

    @property
    def said(self) -> Completed:
        """What its command printed, as a command that was run here would have been kept."""
        files = [f"{self.name}.{part}" for part in ("sh", "facts", "err")]
        shown = self.session.on_host(("tail", "-n", "+1", "--", *files))
        out = self.session.on_host(("cat", "--", f"{self.name}.out"))
        self.evidence += [shown, out]
        return out

    @property
    def status(self) -> int | None:
        """The exit status of its command; ``None`` where the script did not come so far."""
        with suppress(ValueError):
            return int(self._text("status"))
        return None

    def ready(self, mark: str) -> bool:
        """Wait until a mark of the payload is there, or the command has ended."""
        give_up = time.monotonic() + START_S
        path, status = self.session.work / mark, self.session.work / f"{self.name}.status"
        look = time.monotonic() + _LOOK_S
        while not path.exists() and not status.exists() and time.monotonic() < give_up:
            if self.in_place and time.monotonic() > look:  # no script is left that would write a status
                if self.session.on_host(self.system.waiting(self.number, 1)).ok:
                    break
                look = time.monotonic() + _LOOK_S
            time.sleep(0.05)
        return path.exists()

    def cancel(self) -> bool:
        """Let the engine end it; whether the engine holds it no longer within the time."""
        self.evidence.append(self.session.on_host(self.system.cancellation(self.number)))
        return self.over()

    def over(self) -> bool:
        """Wait until the engine holds it no longer; ``False`` where it still does when the time is up.

        Raises
        ------
        NoAnswerError
            The engine does not say.
        """
        waited = self.session.on_host(self.system.waiting(self.number, END_S), timeout_s=END_S + 40.0)
        self.evidence.append(waited)
        if waited.evidence.exit_status not in {0, HELD}:
            words = reason_of(waited)
            raise NoAnswerError(f"{self.system.title} does not say whether it still holds the job: {words}")
        return waited.evidence.exit_status == 0

    def account(self) -> Account | None:
        """Ask the engine's books, which are written after the job's end; see `complain_of_books`."""
        give_up, pause_s = time.monotonic() + BOOKS_S, 0.5
        while True:
            asked = self.session.on_host(self.system.accounting(self.number))
            account = self.system.account(asked.stdout.decode(errors="replace"))
            if account or time.monotonic() > give_up or _without_books(self.system, asked):
                self.evidence.append(asked)
                return account
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 3.0)

    def complain_of_books(self) -> None:
        """Record why there is no account: the books' own words."""
        asked = self.evidence[-1]
        title, words = self.system.title, reason_of(asked)
        if asked.ok or _without_books(self.system, asked) or self.system.not_booked.search(words):
            why = f"{title}'s books hold nothing of the job; they say: {words}"
            self.session.record(UNAVAILABLE, why, evidence=(asked,))
        else:
            self.session.record(PROBLEM, f"{title}'s books do not answer: {words}", evidence=(asked,))

    @property
    def refused(self) -> str:
        """What the client itself said against starting the container; empty where it said nothing."""
        said = self._text("err").strip()
        status = self.status if self.status is not None else 125 if self.in_place else 0
        return self.session.adapter.own_failure(status, said) or ""

    def complain(self, what: str) -> None:
        """Record why this turn says nothing, with the reason that the job itself gave."""
        said = reason_in(self._text("err") or self._text("out"))
        told = f"; it said: {said}" if said else ""
        status = self.status
        how = "it did not come to its end" if status is None else f"exit status {status}"
        self.session.record(PROBLEM, f"{what} ({how}{told})", evidence=(self.said, *self.evidence))

    def clean(self) -> None:
        """End whatever is left of it: the job, and what its client left in an engine."""
        if self.number and self.status is None:
            self.session.on_host(self.system.cancellation(self.number))
        for argv in self.launch.cleanup:
            self.session.on_host(argv)

    def _text(self, part: str) -> str:
        with suppress(OSError):
            with HeldFolder(self.session.work) as work:
                content = work.read(f"{self.name}.{part}", owner=self.session.uid)
            return content.decode(errors="replace")
        return ""


@contextmanager
def job(
    session: Session,
    argv: Sequence[str],
    *,
    limits: Limits | None = None,
    options: Sequence[str] = (),
    before: str = "",
    in_place: bool = False,
) -> Iterator[Job | None]:
    """Submit a job that runs a command in the runtime; ``None``, with the reason recorded, where none runs.

    Parameters
    ----------
    argv
        The command inside, as in `Session.launch`.
    limits
        What the job is given.
    options
        Run options for the runtime's client; `GROUP` in one becomes the job's own control group.
    before
        Lines of shell before the client.
    in_place
        The client takes the script's place: the engine's signals come to it first, not to a shell.
    """
    system = session.batch
    if system is None:
        session.record(NOT_PLANTED, NO_ENGINE)
        yield None
        return
    lines = "".join(f"{line}\n" for line in system.first)
    name, token = f"job-{secret()[:8]}", secret()
    launch = session.described(argv, options=options)
    if lost := [word for word in options if word not in launch.argv]:
        raise session.adapter.refuse(f"its adapter does not pass on what was asked for: {' '.join(lost)}")
    script = _SCRIPT.format(
        first=lines,
        folder=shlex.quote(str(session.work)),
        mark=MARK,
        token=token,
        name=name,
        before=f"{before}\n" if before else "",
        exec="exec " if in_place else "",
        command=shlex.join(launch.argv).replace(GROUP, "'\"$group\"'"),
    )
    plant_file(session.work, f"{name}.sh", script, mode=0o755, uid=session.uid, gid=session.gid)
    submitted = session.on_host(
        system.submission(
            str(session.work / f"{name}.sh"), name=name, folder=str(session.work), limits=limits or Limits()
        )
    )
    number = system.number(submitted.stdout.decode(errors="replace"))
    made = Job(
        session=session, system=system, launch=launch, name=name, token=token, number=number,
        in_place=in_place, evidence=[submitted],
    )  # fmt: skip
    if not number:
        _refused(session, system, submitted)
        yield None
        return
    try:
        if wait_for(session.work / f"{name}.facts", START_S):
            yield made
        else:
            session.record(
                PROBLEM,
                f"{system.title} did not start the job within {START_S:.0f} s, or the node does not see "
                f"{session.work.parent}: set TMPDIR to a folder that nodes share",
                evidence=(submitted,),
            )
            yield None
    except NoAnswerError as error:
        session.record(PROBLEM, error.what, evidence=made.evidence)
    finally:
        made.clean()


def _refused(session: Session, system: BatchSystem, submitted: Completed) -> None:
    """Record why the engine took no job: inside of a job it is often the site's rule."""
    words = reason_of(submitted)
    if system.within and not _NO_CONTACT.search(words):
        why = (
            f"{system.title} takes no job from within a job: {words}. This probe submits jobs of its own "
            "from the node that is measured: ask the site to let that node submit, or look at single answers "
            "on a host that may: evaluation probe NAME --runtime RUNTIME --site SITE"
        )
        session.record(UNAVAILABLE, why, evidence=(submitted,))
    else:
        session.record(PROBLEM, f"{system.title} took no job: {words}", evidence=(submitted,))


def idle_account(session: Session, *, options: Sequence[str] = ()) -> Account | None:
    """Give what the books charge for a container that computes nothing: the client's own work.

    ``None``, with the reason recorded, where it did not run, or where the books say nothing of it.
    """
    argv = (f"{session.payload_inside}/{PAYLOAD}", "burn", "0")
    account = None
    with job(session, argv, options=options) as submitted:
        if submitted is None:
            return None
        submitted.over()
        if options and submitted.refused:
            raise session.adapter.refuse(
                f"with {' '.join(options)} it does not start here: {submitted.refused}"
            )
        if submitted.status != 0:
            submitted.complain("a container that computes nothing did not run")
        elif (account := submitted.account()) is None:
            submitted.complain_of_books()
    return account


def _without_books(system: BatchSystem, asked: Completed) -> bool:
    said = (asked.stdout + asked.stderr).decode(errors="replace")
    return not asked.ok and system.no_books.search(said) is not None


def survivor_facts(pid: int, processes: Path = Path("/proc")) -> tuple[int, str]:
    """Give the host uid of a process and the control group it is in; ``-1`` and nothing where it is gone."""
    with suppress(OSError, StopIteration, ValueError):
        status = (processes / str(pid) / "status").read_text()
        uid = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("Uid:"))
        rows = [line.split(":", 2) for line in (processes / str(pid) / "cgroup").read_text().splitlines()]
        groups = [path for _, controllers, path in rows if controllers in {"memory", "freezer", ""}]
        return uid, max(groups, key=len, default="/")
    return -1, ""
