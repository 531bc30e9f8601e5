"""Trials of what a measurement takes for granted: a static program, and every engine with our folders.

A container of each runtime is started on a tiny image of our own, with our folders bound, to run a program
from one and to write to another. What is made for it is removed again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evaluation.kit import TRIAL, kit_folder
from evaluation.manifest import CheckFacts, RuntimeFacts
from evaluation.measure import apptainerhere
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.user import User, ourselves
from evaluation.measure.userfolder import user_folder
from evaluation.model import PAYLOAD, WORK, Bind, CheckState, Role, Task
from evaluation.payload.build import compiler_here
from evaluation.probes.canaries import secret
from evaluation.probes.canaryimage import CanaryImage, without_cache
from evaluation.reasons import last_words, reason_of
from evaluation.runtimes.base import Archives, Runtime, RuntimeRefusalError
from evaluation.scratch import scratch_directory

__all__ = ["FOLDER_IN", "Trial", "build_trial", "static_program", "trial", "tried"]

FOLDER_IN: Final = "work folder in "
"""How the name of a check begins that tries our folders in a runtime."""
_INSTALL: Final = "Debian: apt-get install gcc libc6-dev. Red Hat: dnf install gcc glibc-static."
_COMPILE_S: Final = 300.0
_BUILD_S: Final = 120.0
_START_S: Final = 60.0
_STATIC: Final = "static program"
_PROGRAM: Final = "try"
_ANSWER: Final = "answer"
_SOURCE: Final = rb"""
#include <stdio.h>
int main(int count, char **words)
{
    FILE *file = count == 2 ? fopen(words[1], "w") : NULL;
    return !(file && fputs("seen\n", file) >= 0 && fclose(file) == 0);
}
"""
"""Writes into the file that it is given: whoever runs it may run a program of ours, and write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Folders as a measurement has them: the payload's, which is ours, and one above each turn's own."""

    payload: Path
    works: Path

    @property
    def program(self) -> Path:
        """The static program, if it could be built."""
        return self.payload / _PROGRAM

    def work(self, launcher: Launcher) -> Path:
        """Make a folder that belongs to the measuring user."""
        path = self.works / secret()
        path.mkdir()
        if os.getuid() != launcher.user.uid:
            os.chown(path, launcher.user.uid, launcher.user.gid)
        return path


@contextmanager
def trial() -> Iterator[Trial]:
    """Make the folders where a measurement makes them, and remove them afterwards."""
    with scratch_directory(bound=True) as scratch:
        made = Trial(payload=scratch / "payload", works=scratch / "works")
        for folder in (made.payload, made.works):
            folder.mkdir()
            folder.chmod(0o755)  # whatever the umask is
        yield made


def static_program(launcher: Launcher, folders: Trial) -> CheckFacts:
    """Have the user run a static program of ours, built as the payload is, or come with the kit."""
    kit, compiler = kit_folder(), compiler_here()
    carried = kit is not None and (kit / TRIAL).is_file()
    if kit and carried:
        shutil.copyfile(kit / TRIAL, folders.program)
    elif why := build_trial(compiler, folders.program):
        return _no_program(why, _INSTALL)
    folders.program.chmod(0o755)
    work = folders.work(launcher)
    argv = (str(folders.program), str(work / _ANSWER))
    done = launcher.run(Command(argv=argv, env=launcher.user.env), timeout_s=_START_S)
    if not done.ok or not (work / _ANSWER).exists():
        folders.program.unlink()
        why = f"one that was built cannot be run by {launcher.user.name}: {last_words(done)}"
        return _no_program(why, "Let programs of one's own be run here (fapolicyd, SELinux), or set TMPDIR.")
    had = "one came with the kit" if carried else f"{compiler} builds one"
    sentence = f"{had}, and {launcher.user.name} can run it"
    return CheckFacts(what=_STATIC, state=CheckState.SOUND, sentence=sentence)


def _no_program(why: str, remedy: str) -> CheckFacts:
    return CheckFacts(
        what=_STATIC,
        state=CheckState.LOST,
        sentence=why,
        costs="every probe with the static payload",
        remedy=remedy,
    )


def build_trial(compiler: str | None, target: Path) -> str:
    """Build the static program of the trials; say why it could not be built, nothing where it was."""
    if compiler is None:
        return "there is no C compiler"
    argv = (compiler, "-static", "-x", "c", "-o", str(target), "-")
    with Launcher(ourselves()) as hands:
        command = Command(argv=argv, env=hands.user.env, stdin=_SOURCE)
        done = hands.run(command, timeout_s=_COMPILE_S)
    if done.evidence.timed_out:
        return f"{compiler} did not end within {_COMPILE_S:.0f} s"
    return "" if done.ok and target.exists() else f"no static program can be built: {reason_of(done)}"


def tried(
    found: Sequence[tuple[Runtime, RuntimeFacts]], launcher: Launcher, folders: Trial, *, modes: bool = True
) -> tuple[tuple[RuntimeFacts, ...], tuple[CheckFacts, ...]]:
    """Start a container of every alternative that is here; of Apptainer look at the start too.

    For who wants to know before any image is made. Root, who looks only, is started otherwise than users
    are, and so nothing is tried.

    Parameters
    ----------
    found : sequence of (Runtime, RuntimeFacts)
        All runtimes.
    folders : Trial
        With the program; without it no folder is tried.
    modes : bool
        Look at Apptainer's further modes too.

    Returns
    -------
    tuple of RuntimeFacts
        All of them, those of Apptainer with what was seen.
    tuple of CheckFacts
        For each alternative, whether it runs a program from our folders and writes to them.
    """
    wanted = [item for item in found if item[1].present and item[0].takes_images]
    wanted = [item for item in wanted if _ranked(item[1], folders) or _looked(item[1], modes=modes)]
    families: dict[str, list[tuple[Runtime, RuntimeFacts]]] = {}
    for item in wanted:
        families.setdefault(item[1].family, []).append(item)
    if _looks_only(launcher.user) or not wanted:
        return tuple(facts for _, facts in found), ()
    with user_folder(launcher, launcher.user.cache) as store, scratch_directory() as ours:
        if not store:
            return tuple(facts for _, facts in found), ()
        archives = _readable(CanaryImage().archives(ours), store, launcher)
        with ThreadPoolExecutor(len(families)) as pool:  # mostly they wait, for engines and for each start
            trying = [
                pool.submit(_family, items, archives, store, launcher.user, folders)
                for items in families.values()
            ]
            done = [each.result() for each in trying]
    known = {facts.id: facts for seen, _ in done for facts in seen}
    checks = {check.what: check for _, checks in done for check in checks}
    return (
        tuple(known.get(facts.id, facts) for _, facts in found),
        tuple(checks[what] for _, facts in found if (what := _what(facts)) in checks),
    )


def _looks_only(user: User) -> bool:
    return user.uid == 0


def _ranked(facts: RuntimeFacts, folders: Trial) -> bool:
    return facts.role is Role.ALTERNATIVE and folders.program.exists()


def _looked(facts: RuntimeFacts, *, modes: bool) -> bool:
    return facts.family == "apptainer" and (modes or facts.role is Role.ALTERNATIVE)


def _what(facts: RuntimeFacts) -> str:
    return f"{FOLDER_IN}{facts.id}"


def _family(
    items: Sequence[tuple[Runtime, RuntimeFacts]], archives: Archives, store: str, user: User, folders: Trial
) -> tuple[list[RuntimeFacts], list[CheckFacts]]:
    """Try the runtimes of one family, which share the forms of the image, and forget the image again."""
    looked, checks = [], []
    made: dict[tuple[str, str], tuple[str, str]] = {}
    with Launcher(user) as launcher:
        for runtime, facts in items:
            key = (runtime.command, runtime.form_of)
            if key not in made:
                made[key] = _made(runtime, archives, store, launcher)
            if _looked(facts, modes=True):
                looked.append(_seen(runtime, facts, *made[key], launcher))
            if _ranked(facts, folders):
                checks.append(_bound(runtime, facts, *made[key], folders, launcher))
        for runtime, _ in items:
            for argv in runtime.forgetting(archives.name):
                launcher.run(Command(argv=argv, env=user.env), timeout_s=_START_S)
    return looked, checks


def _readable(archives: Archives, store: str, launcher: Launcher) -> Archives:
    """Give the measuring user the archives: nobody else may enter our own folder."""
    copies = {}
    for kind, path in (("tar", archives.tar), ("docker", archives.docker)):
        copies[kind] = f"{store}/{kind}.tar"
        tee = Command(argv=("tee", copies[kind]), env=launcher.user.env, stdin=Path(path).read_bytes())
        launcher.run(tee, timeout_s=_START_S)
    return replace(archives, **copies)


def _made(runtime: Runtime, archives: Archives, store: str, launcher: Launcher) -> tuple[str, str]:
    """Make a form of an image; give its reference, and why there is none."""
    preparation = runtime.prepare(archives, store)
    for step in preparation.steps:
        command = Command(argv=without_cache(step), env=launcher.user.env)
        done = launcher.run(command, timeout_s=_BUILD_S)
        if not done.ok:
            return "", reason_of(done)
    return preparation.reference, ""


def _seen(
    runtime: Runtime, facts: RuntimeFacts, reference: str, fault: str, launcher: Launcher
) -> RuntimeFacts:
    if fault:
        told = f"not seen: no image could be made for it: {fault}"
        return facts.model_copy(update={"seen": (told,)})
    programs = apptainerhere.host_programs()
    return apptainerhere.with_what_is_seen(facts, runtime, reference, launcher, programs)


def _bound(
    runtime: Runtime, facts: RuntimeFacts, reference: str, fault: str, folders: Trial, launcher: Launcher
) -> CheckFacts:
    """Run the program from its folder, to write to another, as every probe does."""
    why = f"no image could be made for it: {fault}" if fault else ""
    if not why:
        why = _refused(runtime, reference, folders, launcher)
    if not why:
        sentence = f"{facts.id} runs a program from it, and writes to it"
        return CheckFacts(what=_what(facts), state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what=_what(facts),
        state=CheckState.LOST,
        sentence=f"a container with {folders.works.parent.parent} bound does not run: {why}",
        costs=facts.id,
        remedy="Set TMPDIR to a folder that the runtime, or its engine, can see, run from and write to; "
        f"evaluation conform --runtime {facts.id} says more.",
    )


def _refused(runtime: Runtime, reference: str, folders: Trial, launcher: Launcher) -> str:
    """Try the runtime, and what is tried in its place where it does not start; the first one's reason."""
    first = ""
    for variant in (runtime, *runtime.adaptations()):
        work = folders.work(launcher)
        binds = (
            Bind(source=str(folders.payload), target=PAYLOAD, read_only=variant.read_only_binds),
            Bind(source=str(work), target=WORK),
        )
        payload, inside = (variant.sees(bind) for bind in binds)
        task = Task(
            image=reference,
            argv=(f"{payload}/{_PROGRAM}", f"{inside}/{_ANSWER}"),
            binds=binds,
            name=f"container-evaluation-{secret()[:12]}",
        )
        try:
            argv = variant.argv(task)
        except RuntimeRefusalError as refusal:
            first = first or refusal.what
            continue
        command = Command(argv=argv, env=launcher.user.env, cleanup=variant.cleanup(task))
        done = launcher.run(command, timeout_s=_START_S)
        if done.ok and (work / _ANSWER).exists():
            return ""
        late = f"it did not end within {_START_S:.0f} s" if done.evidence.timed_out else ""
        first = first or late or reason_of(done)
    return first
