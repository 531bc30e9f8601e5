"""What a run says of itself: where it was measured, with what, from which image.

These are the models behind ``manifest.json``; `evaluation.store` reads and writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from evaluation.model import CONTROL, CheckState, Effect, Role

__all__ = [
    "FORMAT",
    "NO_PAYLOAD",
    "ArchivedFacts",
    "BatchFacts",
    "CheckFacts",
    "FormFacts",
    "HostFacts",
    "ImageFacts",
    "JobFacts",
    "KnobFacts",
    "Manifest",
    "ProgramFacts",
    "RuntimeFacts",
]

NO_PAYLOAD = "the payload could not be built here"
"""How it begins what is said of every probe that needs the payload, where there is none."""

FORMAT = 3
"""Of a run's folder; its history stands in `evaluation.store`."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class HostFacts(_Facts):
    """The machine. Sizes in bytes."""

    system: str
    kernel: str
    architecture: str
    cpu: str
    cores: int
    memory_bytes: int
    cgroup: str
    virtualisation: str
    mitigations: str
    lsm: str


def _role_before_roles(facts: dict[str, Any]) -> Role:
    """Before format 3 nothing was said of roles, and all but the bare host were alternatives."""
    return Role.BASELINE if facts.get("id") == CONTROL else Role.ALTERNATIVE


class KnobFacts(_Facts):
    """By which one flag an arm of a calibration differs from a runtime, and what it is expected to do."""

    of: str
    """The runtime's id."""
    options: tuple[str, ...]
    effect: Effect
    expected: str


class RuntimeFacts(_Facts):
    """One runtime as it was found; ``reason`` says why an absent one is absent.

    ``timed`` says whether it was asked everything, and so is ranked: see ``docs/decisions/0008-roles.md``.
    """

    id: str
    family: str
    mode: str
    present: bool
    version: str = ""
    reason: str = ""
    advice: str = ""
    command: str = ""
    options: tuple[str, ...] = ()
    engine_options: tuple[str, ...] = ()
    adaptation: str = ""
    security: tuple[str, ...] = ()
    """What its programs and configuration say of its confinement, as ``key: value``."""
    seen: tuple[str, ...] = ()
    """What was seen of a container of it while it ran, as ``key: value``; earlier runs have none."""
    impairment: str = ""
    """In what way it runs as no centre would have it, see `evaluation.measure.impairment`; earlier runs
    never say."""
    role: Role = Field(default_factory=_role_before_roles)
    timed: bool = True
    knob: KnobFacts | None = None
    """Only in a calibration of the security checklist, and only where this is not the runtime as it is."""


class CheckFacts(_Facts):
    """One look at the host before anything is measured, in a sentence, with what to do.

    ``costs`` says what is lost, or what it changes; it and ``remedy`` are empty where nothing is.
    """

    what: str
    state: CheckState
    sentence: str
    file_system: str = ""
    """Of the image store: ``shared`` where another machine or program serves it, ``local`` where this one
    does; empty where that is not told, as in earlier runs."""
    costs: str = ""
    remedy: str = ""


def fact(told: Sequence[str], key: str) -> str:
    """Give the value of the line ``key: value``; empty where there is none."""
    return next((line.partition(": ")[2] for line in told if line.startswith(f"{key}: ")), "")


class FormFacts(_Facts):
    """One form of the image: what it took to make, and the digest of its content seen from inside.

    ``made_by`` is another runtime's id where this one is a mode of it and runs its form. ``convert_s`` is
    ``None`` where the site keeps the image itself and no user makes it.
    """

    runtime: str
    form: str
    reference: str
    size_bytes: int | None
    convert_s: float | None
    digest: str
    first_start_s: float | None = None
    details: tuple[str, ...] = ()
    problem: str = ""
    made_by: str = ""


class ImageFacts(_Facts):
    """One image. ``digest`` is over file contents and modes, the same in every form."""

    name: str
    recipe: str
    recipe_sha256: str
    digest: str
    tar_bytes: int
    build_s: float
    packages: tuple[str, ...]
    """Debian's, as ``name=version``."""
    wheels: tuple[str, ...] = ()
    """Python's, as ``name=version``."""
    forms: tuple[FormFacts, ...]

    @property
    def made(self) -> tuple[FormFacts, ...]:
        """The forms, each once: without a mode's where its base stands there too."""
        runtimes = {form.runtime for form in self.forms}
        return tuple(form for form in self.forms if form.made_by not in runtimes)


class ProgramFacts(_Facts):
    """One program that runtimes consist of: its version, its package's where it came in one.

    ``mentioned`` are the advisories (CVE ids) that the package's installed changelog speaks of;
    ``changelog_read`` says whether there was one.
    """

    component: str
    version: str
    package: str = ""
    changelog_read: bool = False
    mentioned: tuple[str, ...] = ()


class ArchivedFacts(_Facts):
    """What was done to a run before it left the site that measured it; stands in its sentinel.

    ``hidden`` counts what was replaced, by kind. ``changed`` of ``transcripts`` are not as they were printed,
    and ``withheld`` were no text and stayed. ``originals`` (by file) and ``outputs`` (by the new SHA-256) are
    the digests before, hashed with the site's key: the site can show that it has the originals, and nobody
    else can try guesses.
    """

    format: int
    hidden: dict[str, int]
    transcripts: int
    changed: int
    withheld: int
    originals: dict[str, str]
    outputs: dict[str, str]


class JobFacts(_Facts):
    """One batch job, by the scheduler's number, and the node it ran on, by the scheduler's name."""

    id: str
    node: str


class BatchFacts(_Facts):
    """The batch system that the run was measured in; it has several jobs where it was resumed."""

    engine: str
    version: str
    submitted_by: str
    """``parsl`` or ``psij``, or ``hand`` where somebody else began the job."""
    jobs: tuple[JobFacts, ...]
    remark: str = ""
    """What the site's file says must stand beside every result."""


class Manifest(_Facts):
    """What a run is: planned, where, with what."""

    format: int = FORMAT
    site: str
    run: str
    profile: str
    seed: int
    plan: str
    """SHA-256 of what must be unchanged for the run to be resumed, or not to be measured again."""
    tool_version: str
    started_at: str
    measured_as: str
    as_root: bool
    label: str = ""
    environment: tuple[str, ...] = ()
    """What of the measuring user's environment was left out or steers the runtimes, by name."""
    host: HostFacts
    checks: tuple[CheckFacts, ...] = ()
    """How the host was found before anything was measured; earlier runs do not say."""
    runtimes: tuple[RuntimeFacts, ...]
    image: ImageFacts | None = None
    """The image that a probe runs in unless it names another."""
    ladder: tuple[ImageFacts, ...] = ()
    """The other images that were made ready, smallest first."""
    wanted: dict[str, str] = {}
    """The images that it was to have, by name the SHA-256 of the recipe; earlier runs do not say."""
    programs: tuple[ProgramFacts, ...] = ()
    batch: BatchFacts | None = None
    """The batch job that it was measured in, if it was in one; earlier runs never say."""
    failed: dict[str, str] = {}
    """Per step of the measurement (a notebook) that did not come to its end, why."""
    unavailable: dict[str, str] = {}
    """Per probe that could not be run at all, why."""

    @property
    def payload_problem(self) -> str:
        """Why the payload, which the probes run, could not be built; empty where it could."""
        return next((why for why in self.unavailable.values() if why.startswith(NO_PAYLOAD)), "")

    @property
    def images(self) -> dict[str, ImageFacts]:
        """Every image of the run, by name."""
        return {facts.name: facts for facts in (*((self.image,) if self.image else ()), *self.ladder)}
