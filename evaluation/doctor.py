"""What is here, what cannot be measured and why, and what to do about it: in one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.errors import EvaluationError
from evaluation.measure import apptainerhere
from evaluation.measure.discovery import discover
from evaluation.measure.host import host_facts
from evaluation.measure.launcher import Command, Launcher
from evaluation.measure.premises import ALLOW_NAMESPACES, premises, user_namespaces
from evaluation.measure.submission import queue_of
from evaluation.measure.user import User, measuring_user, ourselves
from evaluation.model import CONTROL, Role
from evaluation.payload.build import compiler_here
from evaluation.planting import lacking
from evaluation.probes.hostprocesses import hidden
from evaluation.reasons import reason_of
from evaluation.runtimes import known_runtimes
from evaluation.sites import Site
from evaluation.store import HostFacts, RuntimeFacts
from evaluation.units import quantity

__all__ = ["Checkup", "Limit", "examine"]

_WIDTH = 100
_COMPILE_S = 300.0
_ROLES = {
    Role.BASELINE: "what every other one is held against",
    Role.ALTERNATIVE: "measured for everything, and ranked",
    Role.VARIANT: 'a mode of one; timed in its start alone, unless named: RUNTIMES="docker docker-user"',
    Role.BESIDE: "no container: start-up, memory, processor and files only; never ranked",
    Role.POSITIVE_CONTROL: "security attempts only, to show that they can succeed; never ranked",
}

_IMAGE_TOOLS = ("mmdebstrap", "umoci", "skopeo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Something that cannot be measured here as things are."""

    what: str
    why: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """The whole of it."""

    site: str
    measured_as: str
    host: HostFacts
    runtimes: tuple[RuntimeFacts, ...]
    limits: tuple[Limit, ...]
    environment: tuple[str, ...] = ()
    """What of the environment is left out while it is measured, and what steers the runtimes."""
    batch: str = ""
    """The version of the site's batch system; empty where it has none, or where it does not answer."""

    def as_json(self) -> dict[str, object]:
        """Give an object for scripts, with the fields' names as its keys."""
        return {
            "site": self.site,
            "measured_as": self.measured_as,
            "environment": list(self.environment),
            "batch": self.batch,
            "host": self.host.model_dump(),
            "runtimes": [facts.model_dump() for facts in self.runtimes],
            "limits": [
                {"what": limit.what, "why": limit.why, "advice": limit.advice} for limit in self.limits
            ],
        }

    def as_text(self) -> str:
        """Give one screen for a person."""
        host = self.host
        machine = (
            f"{host.system}, kernel {host.kernel}, {host.cores} cores, {_memory(host)}, cgroup {host.cgroup}"
        )
        lines = [*textwrap.wrap(machine, _WIDTH), f"measured as: {self.measured_as}"]
        lines += [f"batch system: {self.batch}"] if self.batch else []
        for told in self.environment:
            lines += textwrap.wrap(f"environment: {told}", _WIDTH, subsequent_indent="  ")
        lines += [""]
        width = max(len(facts.id) for facts in self.runtimes)
        for role, what in _ROLES.items():
            lines += [f"{role}: {what}"]
            for facts in self.runtimes:
                if facts.role is role:
                    state = f"{facts.version}  ({facts.mode})" if facts.present else self._absence(facts)
                    line = f"{'+' if facts.present else '-'} {facts.id:<{width}}  {state}"
                    lines += textwrap.wrap(line, _WIDTH, subsequent_indent=" " * (width + 4))
        alike: dict[tuple[str, str], list[str]] = {}  # what one cause takes away stands together
        for limit in self.limits:
            alike.setdefault((limit.why, limit.advice), []).append(limit.what)
        missing = [pair for pair in alike if pair[0].startswith("not installed")]
        lines += ["", "! not installed; to have one:"] if missing else []
        for pair in missing:  # why stands above already
            said = f"  -> {', '.join(alike.pop(pair))}: {pair[1]}"
            lines += textwrap.wrap(said, _WIDTH, subsequent_indent="     ")
        for (why, advice), taken_away in alike.items():
            said = f"! {', '.join(taken_away)}: {why}"
            lines += [
                "",
                *textwrap.wrap(said, _WIDTH, subsequent_indent="  "),
                *textwrap.wrap(advice, _WIDTH, initial_indent="  -> ", subsequent_indent="     "),
            ]
        return "\n".join(lines)

    def _absence(self, facts: RuntimeFacts) -> str:
        """Say why a runtime is not here; of a mode, only that the one that it is a mode of is not."""
        base = known_runtimes()[facts.id].base
        gone = any(other.id == base and not other.present for other in self.runtimes)
        return f"{base} is not here" if gone else facts.reason


def examine(site: Site) -> Checkup:
    """Look at this machine; what is made for trying a start is removed again."""
    limits = []
    try:
        user = measuring_user(site.measure_as or "")
    except EvaluationError as error:
        limits.append(Limit(what="anything in a container", why=error.what, advice=error.advice))
        user = ourselves()
    with Launcher(user) as launcher:
        found = discover(site, launcher)
        runtimes = apptainerhere.tried([(item.runtime, item.facts) for item in found], launcher)
        limits += [
            Limit(what=facts.id, why=facts.reason, advice=facts.advice)
            for facts in runtimes
            if not facts.present and facts.advice
        ]
        limits += _unfounded(launcher, runtimes)
        limits += _impaired(runtimes)
        limits += _tools_missing(launcher)
    limits += _hidden_processes()
    batch, unanswered = _batch(site)
    limits += unanswered
    limits += [Limit(what=lack.what, why=lack.why, advice=lack.advice) for lack in lacking()]
    return Checkup(
        site=site.id,
        measured_as=_described(user),
        host=host_facts(),
        runtimes=runtimes,
        limits=tuple(limits),
        environment=user.altered,
        batch=batch,
    )


def _unfounded(launcher: Launcher, runtimes: Sequence[RuntimeFacts]) -> list[Limit]:
    """Name what does not hold here that everything rests on, or every runtime that needs user namespaces."""
    found = [Limit(what=each.what, why=each.why, advice=each.advice) for each in premises(launcher)]
    refused = user_namespaces(launcher)
    known = known_runtimes()
    needed = [
        facts.id
        for facts in runtimes
        if facts.present and facts.role is Role.ALTERNATIVE and known[facts.id].user_namespaces
    ]
    if refused and not refused.switch and needed:
        why = f"{refused.why}; whether they start is seen when they are measured"
        found.append(Limit(what=", ".join(needed), why=why, advice=ALLOW_NAMESPACES))
    return found


def _impaired(runtimes: Sequence[RuntimeFacts]) -> list[Limit]:
    """Name what runs here in a way that no centre would; the modes of one run as it does."""
    return [
        Limit(
            what=f"{facts.id} as a centre would run it",
            why=facts.impairment,
            advice=f"It is not timed or ranked unless named: RUNTIMES={facts.id}. Fix it, or leave it out.",
        )
        for facts in runtimes
        if facts.present and facts.impairment and facts.role is Role.ALTERNATIVE
    ]


def _batch(site: Site) -> tuple[str, list[Limit]]:
    """Ask the site's batch system for its version, where it has one that jobs are submitted to."""
    if not site.batch.submits:
        return "", []
    try:
        with queue_of(site.batch, ourselves()) as queue:
            return queue.require(), []
    except EvaluationError as error:
        what = f"anything in a job of {site.batch.engine}"
        return "", [Limit(what=what, why=error.what, advice=error.advice)]


def _hidden_processes() -> list[Limit]:
    """What cannot be shown where a host hides other users' processes."""
    why = hidden()
    what = "what a runtime leaves running, and who works for it (B06, B07, B08, B14)"
    advice = "Their findings will be INERT where the runtime's processes are another user's. Measure as root."
    return [Limit(what=what, why=why, advice=advice)] if why else []


def _memory(host: HostFacts) -> str:
    return quantity(host.memory_bytes, "B")


def _described(user: User) -> str:
    return "root, for looking only" if user.uid == 0 else f"{user.name}, an unprivileged user"


def _no_static_program() -> list[Limit]:
    """Try once to compile a static program, as the payload is one; what the compiler says where it cannot."""
    why, compiler = "there is no C compiler", compiler_here()
    if compiler:
        argv = (compiler, "-static", "-x", "c", "-o", "/dev/null", "-")
        with Launcher(ourselves()) as hands:
            command = Command(argv=argv, env=hands.user.env, stdin=b"int main(void) { return 0; }\n")
            done = hands.run(command, timeout_s=_COMPILE_S)
        if done.ok:
            return []
        late = f"{compiler} did not end within {_COMPILE_S:.0f} s"
        why = late if done.evidence.timed_out else f"no static program can be built: {reason_of(done)}"
    return [
        Limit(
            what="every probe with the static payload",
            why=why,
            advice="Debian: apt-get install gcc libc6-dev. Red Hat: dnf install gcc glibc-static.",
        )
    ]


def _tools_missing(launcher: Launcher) -> list[Limit]:
    found = _no_static_program()
    if missing := [name for name in _IMAGE_TOOLS if not launcher.find(name)]:
        found.append(
            Limit(
                what="building the evaluation image",
                why=f"{', '.join(missing)} not found; {CONTROL} is measured without it, containers are not",
                advice="Debian: apt-get install mmdebstrap umoci skopeo; or copy a built image here.",
            )
        )
    return found
