"""A run that is open: its turns are taken one after the other, and each is kept before the next."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from evaluation.blocks import PRESSURE, SET_ASIDE, marked
from evaluation.loading import place_of
from evaluation.measure.conformance import Result, conform
from evaluation.measure.host import cpu_pressure
from evaluation.measure.launcher import now
from evaluation.measure.patience import Patience
from evaluation.measure.profiles import Profile
from evaluation.measure.progress import Progress
from evaluation.measure.schedule import Again, PlannedTurn, plan_turns
from evaluation.measure.session import Arm, Bench, TurnSession, work_directory
from evaluation.measure.stopping import why_enough
from evaluation.measure.variants import adapter
from evaluation.model import CONTROL, CONTROL_AGAIN, DEFAULT_IMAGE, QUICK, Outcome, Role
from evaluation.probes.base import PreparedForm, Probe
from evaluation.probes.registry import discover, group_of
from evaluation.probes.roles import takes_part
from evaluation.runtimes.base import RuntimeRefusalError
from evaluation.store import FormFacts, Manifest, Run, Turn

__all__ = ["Measurement", "arms_of"]


class Measurement:
    """A run that is open for measuring. Use it in a ``with`` statement: its end ends what it started.

    Parameters
    ----------
    run : Run
        Where turns are kept.
    profile : Profile
        How much to measure.
    bench : Bench
        What turns share.
    close : ExitStack
        What is to be done at the end.
    """

    def __init__(self, run: Run, profile: Profile, bench: Bench, close: contextlib.ExitStack) -> None:
        self.run = run
        self.manifest = run.manifest
        self._profile = profile
        self._bench = bench
        self._close = close
        self._patience = Patience()
        self._aside: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what was started, and let others measure on this host."""
        self._close.close()

    def finish(self) -> Run:
        """Write the sentinel: the run is complete."""
        self.run.finish(now())
        return self.run

    def measure(
        self, group: str, *, only: Sequence[str] = (), arms: Mapping[str, Collection[str]] | None = None
    ) -> str:
        """Measure one group of probes: what is done already is kept, the rest is taken in its order.

        Parameters
        ----------
        group : str
            Its name.
        only : sequence of str, optional
            Of the group only these probes.
        arms : mapping, optional
            Per probe only these arms, by id, and the bare host; all where a probe is not named.

        Returns
        -------
        str
            In a sentence, how much was measured and why it stopped.
        """
        probes = {
            probe.id: probe
            for probe in discover().values()
            if group_of(probe.id) == group
            and (probe.id in only if only else probe.quick or self._profile.name not in QUICK)
            and probe.id not in self.manifest.unavailable
        }
        paired = {id_: probe for id_, probe in probes.items() if probe.repeat == "paired"}
        ready = {
            image: {arm.id: arm for arm in self.arms(image)}
            for image in {probe.image for probe in probes.values()}
        }
        chosen = arms or {}
        modes = self._modes()
        checks = {id_ for id_, probe in paired.items() if probe.checks and self._profile.mode_blocks}
        planned = self._profile.blocks
        turns = list(
            plan_turns(
                {probe.id: probe.repeat for probe in probes.values()},
                {id_: self._asked(probe) for id_, probe in probes.items()},
                (CONTROL, CONTROL_AGAIN),
                planned + self._profile.repeats,
                self.manifest.seed,
                self._again(probes.values()),
            )
        )
        turns = [
            item
            for item in turns
            if item.turn.runtime
            in {CONTROL, CONTROL_AGAIN, *chosen.get(item.turn.probe, (item.turn.runtime,))}
            and not (
                item.turn.probe in paired
                and (item.turn.runtime in modes or item.turn.probe in checks)
                and item.turn.block > self._profile.mode_blocks
            )
        ]
        done = self.run.turns_done()
        self._aside = Counter(marked(self.run.observations()))
        foreseen = [
            item.turn.key in done
            for item in turns
            if item.turn.block <= planned or item.turn.probe not in paired
        ]
        progress = Progress(group, len(foreseen), sum(foreseen))
        begun = {0, *(item.turn.block for item in turns if item.turn.key in done)}
        deciding = {id_: probe for id_, probe in paired.items() if id_ not in checks}
        compared = len({(id_, arm) for id_ in deciding for arm in {*self._asked(probes[id_])} - modes})
        spent_s, why = self.run.spent_s(probes), ""
        for item in turns:
            block = item.turn.block
            repeated = item.turn.probe in paired and block > planned
            if repeated and block > planned + self._aside[item.turn.probe]:
                continue  # nothing to repeat
            if block not in begun:
                begun.add(block)
                why = why_enough(
                    self._profile,
                    deciding or paired,
                    [item for item in self.run.observations() if item.runtime not in modes],
                    block - 1,
                    spent_s,
                    comparisons=compared,
                )
                if why:
                    break
            if item.turn.key not in done:
                if repeated:
                    progress.more()
                progress.step(f"{item.turn.probe} · {item.turn.runtime} · block {block}")
                probe = probes[item.turn.probe]
                spent_s += self._take(probe, ready[probe.image][item.turn.runtime], item)
        progress.end(why and f", stopped: {why}")
        return f"{group}: {why or 'every planned block was measured'}"

    def _again(self, probes: Iterable[Probe]) -> dict[str, Again]:
        """Say what is asked several times: where there are blocks at all, of what is timed."""
        timed = {facts.id for facts in self.manifest.runtimes if facts.timed}
        return {
            probe.id: Again(turns=probe.turns, arms=[arm for arm in self._asked(probe) if arm in timed])
            for probe in probes
            if probe.repeat != "paired" and probe.turns > 1 and self._profile.blocks
        }

    def _modes(self) -> set[str]:
        """Give the modes that nobody named: of paired probes they take part in the first blocks alone."""
        return {
            facts.id for facts in self.manifest.runtimes if facts.role is Role.VARIANT and not facts.timed
        }

    def _asked(self, probe: Probe) -> list[str]:
        """Give the runtimes that are asked a question, without the bare host."""
        return [
            facts.id
            for facts in self.manifest.runtimes
            if facts.present and facts.id != CONTROL and takes_part(facts.role, probe, timed=facts.timed)
        ]

    def repeat(self, group: str, times: int, *, only: Sequence[str]) -> None:
        """Take the turns of functional probes again in further blocks, on every runtime as it is.

        Parameters
        ----------
        group : str
            The probes' group.
        times : int
            How many turns of each there shall be in all; the first is that of `measure`.
        only : sequence of str
            The probes, by id.
        """
        probes = [probe for id_, probe in discover().items() if id_ in only and group_of(id_) == group]
        flagged = {facts.id for facts in self.manifest.runtimes if facts.knob}
        turns = [
            (probe, arm, Turn(probe=probe.id, runtime=arm.id, block=block), order)
            for block in range(1, times)
            for probe in probes
            if probe.id not in self.manifest.unavailable
            for order, arm in enumerate(self.arms(probe.image))
            if arm.id in {CONTROL, *self._asked(probe)} - flagged
        ]
        done = self.run.turns_done()
        progress = Progress(f"{group} again", len(turns), sum(turn.key in done for _, _, turn, _ in turns))
        for probe, arm, turn, order in turns:
            if turn.key not in done:
                progress.step(f"{turn.probe} · {turn.runtime} · block {turn.block}")
                self._take(probe, arm, PlannedTurn(turn=turn, order=order, warm_up=False))
        progress.end()

    def conform(self) -> Iterator[Result]:
        """Ask the conformance list of every runtime; nothing of it is kept."""
        arms = {arm.id: arm for arm in self.arms(DEFAULT_IMAGE)}
        for facts in self.manifest.runtimes:
            if facts.present:
                yield from conform(self._bench, arms[facts.id])
            else:
                yield Result(runtime=facts.id, outcome=Outcome.UNAVAILABLE, message=facts.reason)

    def _note_pressure(self, session: TurnSession) -> None:
        """Record the pressure on the CPUs in the bare host's turn; if too high, set the block aside."""
        probe = session.probe
        if session.arm.id != CONTROL or probe.repeat != "paired" or session.warm_up:
            return
        if (pressure := cpu_pressure()) is None:
            return
        session.record(PRESSURE, pressure, "1")
        if pressure > self._profile.pressure and self._aside[probe.id] < self._profile.repeats:
            session.record(SET_ASIDE, value=True)
            self._aside[probe.id] += 1

    def _take(self, probe: Probe, arm: Arm, item: PlannedTurn) -> float:
        """Take one turn and keep it; give the seconds it took."""
        began = time.monotonic()
        with work_directory(self._bench) as work:
            session = TurnSession(
                bench=self._bench,
                arm=arm,
                probe=probe,
                block=item.turn.block,
                order=item.order,
                work=work,
                warm_up=item.warm_up,
            )
            if arm.problem:
                session.record("error", arm.problem)
            elif lost := self._patience.lost_with(item.turn):
                session.record("error", lost)
            else:
                self._observe(session)
                self._note_pressure(session)
                self._patience.note(item.turn, hung=session.hung)
        if work.exists():
            session.record("residue", "files that the measuring user cannot remove")
        took_s = time.monotonic() - began
        self.run.append(item.turn, session.witnessed(), session.evidence(), took_s=took_s)
        return took_s

    def _observe(self, session: TurnSession) -> None:
        try:
            session.probe.observe(session)
        except RuntimeRefusalError as refusal:
            session.record("refused", str(refusal))
        except Exception as error:  # noqa: BLE001 - a broken probe becomes a finding, the run goes on
            home = getattr(sys.modules.get(session.probe.observe.__module__), "__file__", "")
            session.record("error", f"{type(error).__name__}: {error} ({place_of(error, home)})")
        finally:
            # Without its launcher this raises: the turn is not kept, and the run can be resumed.
            left = (*self._bench.launcher.sweep(), *self._bench.verifier.sweep())
        if left:
            session.record("residue", f"processes that could not be ended: {', '.join(left)}")

    @property
    def bench(self) -> Bench:
        """What the turns share."""
        return self._bench

    def arms(self, image: str) -> Iterator[Arm]:
        """Every arm, with its form of an image."""
        return arms_of(self.manifest, image)


def arms_of(manifest: Manifest, image: str) -> Iterator[Arm]:
    """Every arm of a run, with its form of an image, as it was found and prepared for the run."""
    facts = manifest.images.get(image)
    forms = {form.runtime: form for form in facts.forms} if facts else {}
    for found in manifest.runtimes:
        if not found.present:
            continue
        of = found.knob.of if found.knob else found.id
        form = forms.get(of)
        ids = (CONTROL, CONTROL_AGAIN) if found.id == CONTROL else (found.id,)
        for id_ in ids:
            yield Arm(
                id=id_,
                runtime=adapter(found),
                reference=form.reference if form else "",
                image_digest=form.digest if form else "",
                form=prepared_form(form) if form else None,
                problem=form.problem if form else "",
                others=_references(manifest, of),
            )


def _references(manifest: Manifest, runtime: str) -> dict[str, str]:
    """Name every image that a runtime has a form of, with its reference."""
    return {
        name: form.reference
        for name, facts in manifest.images.items()
        for form in facts.forms
        if form.runtime == runtime and not form.problem
    }


def prepared_form(form: FormFacts) -> PreparedForm:
    """Tell a probe what was recorded when a form was made."""
    place = form.reference.removeprefix("local:")
    return PreparedForm(
        path=place if place.startswith("/") else "",  # else it is a name in a store, or a site's
        size_bytes=form.size_bytes,
        convert_s=form.convert_s,
        first_start_s=form.first_start_s,
        reference=form.reference,
    )
