"""What is here, what cannot be measured and why, and what to do about it: in one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from evaluation.errors import EvaluationError
from evaluation.images.build import folder_of, kept_image
from evaluation.images.recipe import load_recipe
from evaluation.kit import CARRIED, kit_folder
from evaluation.manifest import CheckFacts
from evaluation.measure.discovery import discover
from evaluation.measure.host import host_facts
from evaluation.measure.hostchecks import host_checks
from evaluation.measure.launcher import Launcher
from evaluation.measure.submission import queue_of
from evaluation.measure.trials import FOLDER_IN, static_program, trial, tried
from evaluation.measure.user import User, measuring_user, ourselves
from evaluation.model import DEFAULT_IMAGE, CheckState, Role
from evaluation.planting import lacking
from evaluation.project import root
from evaluation.reasons import shortened
from evaluation.runtimes import known_runtimes
from evaluation.sites import Site
from evaluation.store import HostFacts, RuntimeFacts
from evaluation.units import quantity

__all__ = ["Checkup", "examine"]

_WIDTH = 100
_SCREEN = 40
"""Lines. What is longer is cut short, and said in full by ``--all``."""
_ROLES = {
    Role.BASELINE: "what every other one is held against",
    Role.ALTERNATIVE: "measured for everything, and ranked",
    Role.VARIANT: 'a mode of one; timed in its start alone, unless named: RUNTIMES="docker docker-user"',
    Role.BESIDE: "no container: start-up, memory, processor and files only; never ranked",
    Role.POSITIVE_CONTROL: "security attempts only, to show that they can succeed; never ranked",
}
_SIGNS = {
    CheckState.FATAL: "!!",
    CheckState.LOST: "!",
    CheckState.CONDITION: "~",
    CheckState.UNKNOWN: "?",
}
"""The worst comes first."""

_IMAGE_TOOLS = ("mmdebstrap", "umoci", "skopeo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """The whole of it."""

    site: str
    measured_as: str
    host: HostFacts
    runtimes: tuple[RuntimeFacts, ...]
    checks: tuple[CheckFacts, ...]
    batch: str = ""
    """The version of the site's batch system; empty where it has none, or where it does not answer."""

    def as_json(self) -> dict[str, object]:
        """Give an object for scripts, with the fields' names as its keys."""
        return {
            "site": self.site,
            "measured_as": self.measured_as,
            "batch": self.batch,
            "host": self.host.model_dump(),
            "runtimes": [facts.model_dump() for facts in self.runtimes],
            "checks": [check.model_dump() for check in self.checks],
        }

    def as_text(self, *, everything: bool = False) -> str:
        """Give one screen for a person, or everything at whatever length."""
        if everything:
            sound = [check for check in self.checks if check.state is CheckState.SOUND]
            told = self._told((*self.wanting, *sound), _full)
            return "\n".join((*self._heading(), *self._every_runtime(), *told))
        for written in (_full, _brief):
            told = self._told(self.wanting, written)
            lines = [*self._heading(), *self._runtimes(written), *told, "", *self._rest()]
            if len(lines) <= _SCREEN:
                break
        return "\n".join(lines)

    @property
    def wanting(self) -> tuple[CheckFacts, ...]:
        """Every check that is not sound, and the runtimes that run here as no centre would have them."""
        impaired = [
            CheckFacts(
                what=facts.id,
                state=CheckState.LOST,
                sentence=facts.impairment,
                costs=f"{facts.id} as a centre would run it",
                remedy=f"It is timed and ranked only if named: RUNTIMES={facts.id}. Fix it, or leave it out.",
            )
            for facts in self.runtimes
            if facts.present and facts.impairment and facts.role is Role.ALTERNATIVE
        ]
        return (*(check for check in self.checks if check.state is not CheckState.SOUND), *impaired)

    def _heading(self) -> Iterator[str]:
        host = self.host
        memory = quantity(host.memory_bytes, "B")
        machine = f"{host.system}, kernel {host.kernel}, {host.cores} cores, {memory}, cgroup {host.cgroup}"
        yield from textwrap.wrap(machine, _WIDTH)
        batch = f"; batch system: {self.batch}" if self.batch else ""
        yield f"measured as: {self.measured_as}{batch}"
        yield ""

    def _every_runtime(self) -> Iterator[str]:
        width = max(len(facts.id) for facts in self.runtimes)
        for role, what in _ROLES.items():
            yield f"{role}: {what}"
            for facts in self.runtimes:
                if facts.role is role:
                    yield from _full(_line(facts, width, self._absence(facts)), " " * (width + 4))
                    if not facts.present and facts.advice:
                        yield from _full(f"  -> {facts.advice}", "     ")
        yield ""

    def _runtimes(self, written: _Written) -> Iterator[str]:
        """Name what is ranked line by line, and of the rest only what is here."""
        ranked = [facts for facts in self.runtimes if facts.role in {Role.BASELINE, Role.ALTERNATIVE}]
        width = max(len(facts.id) for facts in ranked)
        absent: dict[tuple[str, str], list[str]] = {}  # what is absent for one reason stands together
        for facts in ranked:
            if facts.present:
                yield from written(_line(facts, width, ""), " " * (width + 4))
                continue
            short = "not installed" if facts.reason.startswith("not installed") else facts.reason
            absent.setdefault((short, facts.advice), []).append(facts.id)
        for (reason, advice), names in absent.items():
            how = f" -> {advice}" if advice else ""
            yield from written(f"- {', '.join(names)}: {reason}{how}", "  ")
        others = [facts for facts in self.runtimes if facts not in ranked]
        here = ", ".join(facts.id for facts in others if facts.present)
        gone = ", ".join(facts.id for facts in others if not facts.present)
        if here:
            yield from written(f"+ not ranked unless named: {here}", "  ")
        if gone:
            yield from written(f"- not here, and not needed: {gone}", "  ")
        yield ""

    def _told(self, checks: Iterable[CheckFacts], written: _Written) -> Iterator[str]:
        """Tell each in a sentence with its remedy, the worst first; what one cause takes away together."""
        every = [*checks]
        for state in (*_SIGNS, CheckState.SOUND):
            alike: dict[tuple[str, str], list[CheckFacts]] = {}
            for check in every:
                if check.state is state:
                    alike.setdefault((check.sentence, check.remedy), []).append(check)
            for (sentence, remedy), found in alike.items():
                costs = ", ".join(check.costs or check.what for check in found)
                said = f"{costs}: {sentence}"
                if state is CheckState.CONDITION:
                    said = f"{found[0].what}: {sentence}; {costs}"
                yield from written(f"{_SIGNS.get(state, '+')} {said}", "  ")
                if remedy:
                    yield from written(f"  -> {remedy}", "     ")

    def _rest(self) -> Iterator[str]:
        sound = [check.what for check in self.checks if check.state is CheckState.SOUND]
        inside = [what.removeprefix(FOLDER_IN) for what in sound if what.startswith(FOLDER_IN)]
        told = [what for what in sound if not what.startswith(FOLDER_IN)]
        told += [f"{FOLDER_IN}{', '.join(inside)}"] if inside else []
        if told:
            yield from _full(f"sound: {', '.join(told)}", "  ")
        yield "in full, with every mode: evaluation doctor --all"

    def _absence(self, facts: RuntimeFacts) -> str:
        """Say why a runtime is not here; of a mode, only that the one that it is a mode of is not."""
        base = known_runtimes()[facts.id].base
        gone = any(other.id == base and not other.present for other in self.runtimes)
        return f"{base} is not here" if gone else facts.reason


_Written = Callable[[str, str], Sequence[str]]
"""How a sentence becomes lines: as many as it takes, or one."""


def _full(text: str, indent: str) -> Sequence[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _brief(text: str, indent: str) -> Sequence[str]:
    del indent
    return (shortened(text, _WIDTH - 2),)


def _line(facts: RuntimeFacts, width: int, absence: str) -> str:
    state = f"{facts.version}  ({facts.mode})" if facts.present else absence
    return f"{'+' if facts.present else '-'} {facts.id:<{width}}  {state}"


def examine(site: Site, *, everything: bool = False) -> Checkup:
    """Look at this machine; what is made for trying a start is removed again.

    Parameters
    ----------
    everything : bool
        Start the modes that are not ranked too, and look at them.
    """
    checks = []
    try:
        user = measuring_user(site.measure_as or "")
    except EvaluationError as error:
        checks.append(
            CheckFacts(
                what="measuring user",
                state=CheckState.FATAL,
                sentence=error.what,
                costs="anything in a container",
                remedy=error.advice or "Run as an ordinary user.",
            )
        )
        user = ourselves()
    with Launcher(user) as launcher:
        here = [*host_checks(launcher)]
        checks += here
        found = [(item.runtime, item.facts) for item in discover(site, launcher)]
        runtimes = tuple(facts for _, facts in found)
        if not any(check.state is CheckState.FATAL for check in here):
            with trial() as folders:
                checks.append(static_program(launcher, folders))
                runtimes, bound = tried(found, launcher, folders, modes=everything)
            checks += bound
        checks.append(_image(launcher))
    checks.append(_environment(user))
    batch, answer = _batch(site)
    checks += answer
    checks += _planting()
    return Checkup(
        site=site.id,
        measured_as=_described(user),
        host=host_facts(),
        runtimes=runtimes,
        checks=tuple(checks),
        batch=batch,
    )


def _environment(user: User) -> CheckFacts:
    """Say what of the environment is left out while it is measured, and what steers the runtimes."""
    if not user.altered:
        sentence = "nothing is left out, and no variable steers a runtime"
        return CheckFacts(what="environment", state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what="environment",
        state=CheckState.CONDITION,
        sentence="; ".join(user.altered),
        costs="this holds for every runtime and the bare host alike",
        remedy="Nothing to do where you mean it so; otherwise unset them before you measure.",
    )


def _image(launcher: Launcher) -> CheckFacts:
    """Say whether there is an image to run, or what is missing to build one."""
    what = "evaluation image"
    try:
        recipe = load_recipe(root() / "images", DEFAULT_IMAGE)
        kept = kept_image(recipe, DEFAULT_IMAGE, launcher.user.cache)
    except EvaluationError as error:
        return CheckFacts(what=what, state=CheckState.UNKNOWN, sentence=error.what)
    if kept:
        return CheckFacts(what=what, state=CheckState.SOUND, sentence=f"{DEFAULT_IMAGE} is built already")
    kit = kit_folder()
    if kit and (kit / CARRIED / folder_of(recipe.sha256, DEFAULT_IMAGE, kit).name).is_dir():
        return CheckFacts(what=what, state=CheckState.SOUND, sentence=f"{DEFAULT_IMAGE} came with the kit")
    missing = [name for name in _IMAGE_TOOLS if not launcher.find(name)]
    if not missing:
        sentence = f"{', '.join(_IMAGE_TOOLS)} are there to build it"
        return CheckFacts(what=what, state=CheckState.SOUND, sentence=sentence)
    return CheckFacts(
        what=what,
        state=CheckState.LOST,
        sentence=f"{', '.join(missing)} not found, and no image is here; only the bare host is measured",
        costs="building the evaluation image",
        remedy="Debian: apt-get install mmdebstrap umoci skopeo; or copy a built image here.",
    )


def _batch(site: Site) -> tuple[str, tuple[CheckFacts, ...]]:
    """Ask the site's batch system for its version, where it has one that jobs are submitted to."""
    if not site.batch.submits:
        return "", ()
    what = "batch system"
    try:
        with queue_of(site.batch, ourselves()) as queue:
            version = queue.require()
    except EvaluationError as error:
        return "", (
            CheckFacts(
                what=what,
                state=CheckState.LOST,
                sentence=error.what,
                costs=f"anything in a job of {site.batch.engine}",
                remedy=error.advice or f"Look at batch in sites/{site.id}.yaml.",
            ),
        )
    return version, (CheckFacts(what=what, state=CheckState.SOUND, sentence=f"{version} answers"),)


def _planting() -> Iterator[CheckFacts]:
    """Say what root has not made for an attempt to find."""
    what, found = "canaries", lacking()
    if not found:
        yield CheckFacts(
            what=what, state=CheckState.SOUND, sentence="they are planted, or root can plant them"
        )
    for lack in found:
        yield CheckFacts(
            what=what, state=CheckState.LOST, sentence=lack.why, costs=lack.what, remedy=lack.advice
        )


def _described(user: User) -> str:
    return "root, for looking only" if user.uid == 0 else f"{user.name}, an unprivileged user"
