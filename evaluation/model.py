"""The nouns of the project. Standard library only; everything else depends on this.

Units are SI and stand in the field's name (``duration_s``, ``size_bytes``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = [
    "CALIBRATION",
    "CONTROL",
    "CONTROL_AGAIN",
    "DEFAULT_IMAGE",
    "FAKE",
    "NO_MEASUREMENTS",
    "PAYLOAD",
    "QUICK",
    "SECURITY_CALIBRATION",
    "SWEEP",
    "WORK",
    "Bind",
    "Borrowed",
    "CheckState",
    "Comparison",
    "Completed",
    "Confidence",
    "CriterionRow",
    "Delta",
    "Doubt",
    "Effect",
    "Evidence",
    "Finding",
    "Form",
    "Interval",
    "Loss",
    "LossCheck",
    "LossPart",
    "Missing",
    "ModeScore",
    "Observation",
    "Outcome",
    "ProbeTexts",
    "Reference",
    "Robustness",
    "Role",
    "Scenario",
    "Score",
    "Severity",
    "SiteDecision",
    "Stability",
    "Standing",
    "Task",
    "UseCaseDecision",
    "Verdict",
]

CONTROL = "host"
"""The runtime every other one is held against: the bare process."""

CONTROL_AGAIN = "host-again"
"""The same bare process once more in every block: their difference is the noise floor."""


QUICK = frozenset({"trial", "quick"})
"""The profiles that leave out the probes which are not quick."""

DEFAULT_IMAGE = "small"
"""The image that a probe runs in unless it names another, and without which no container runs."""


PAYLOAD = "/payload"
"""Where the payload is found inside a container."""

WORK = "/work"
"""Where a turn's own directory is found inside a container."""


FAKE = "fake"
"""How the ids of the unit tests' made-up runtimes begin; the store keeps nothing of theirs."""


CALIBRATION = "calibration"
"""The profile of a run that holds the bare host against itself alone; nothing is decided from it."""

SECURITY_CALIBRATION = "security-calibration"
"""The profile of a run that tries the checklist itself, one flag at a time; nothing is decided from it."""

SWEEP = "sweep"
"""The profile of a run that starts many containers at once; nothing is decided from it."""

ACROSS = "across"
"""The profile of one that does so on several nodes of a batch system; nothing is decided from it."""

NO_MEASUREMENTS = frozenset({CALIBRATION, SECURITY_CALIBRATION, SWEEP, ACROSS})
"""The profiles of runs from which nothing is decided: a site that has only these was not measured."""


class Effect(StrEnum):
    """What one flag is expected to do to the walls between a container and its host."""

    NOTHING = "nothing"
    WEAKENS = "weakens"
    HARDENS = "hardens"


class Role(StrEnum):
    """What part a runtime takes in an evaluation; see ``docs/decisions/0008-roles.md``."""

    BASELINE = "bare host"
    """The bare process, which every other one is held against."""
    ALTERNATIVE = "alternative"
    """A site could choose it: measured for everything, and ranked."""
    VARIANT = "variant"
    """A mode of an alternative: asked everything that is asked once of security and operations, and how it
    starts; timed in all and ranked only where whoever measures names it."""
    BESIDE = "beside the containers"
    """No container: timed in a few probes, to check what is said of containers against it. Never ranked."""
    POSITIVE_CONTROL = "positive control"
    """As weak as it can be made: only there to show that an attempt can succeed. Never ranked."""


class CheckState(StrEnum):
    """What one check of the host came to, before anything was measured."""

    SOUND = "sound"
    """Nothing is lost by it."""
    CONDITION = "condition"
    """Everything can be measured, and the figures are those of this condition."""
    LOST = "lost"
    """Something cannot be measured."""
    FATAL = "fatal"
    """Nothing can."""
    UNKNOWN = "unknown"
    """The question failed, and nothing is said."""


class Form(StrEnum):
    """The form in which a runtime wants an image."""

    NONE = "none"
    DOCKER_STORE = "docker-store"
    PODMAN_STORE = "podman-store"
    SIF = "sif"
    DIRECTORY = "directory"
    SHIFTER = "shifter"
    SQUASHFS = "squashfs"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """A host directory made visible inside a container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to run, said once for every runtime.

    Parameters
    ----------
    image : str
        The image in the runtime's own form: a reference, a SIF file or a directory.
        Empty for the bare host without an image tree.
    argv : tuple of str
        The command inside; never a shell string.
    binds : tuple of Bind
        Host directories to show inside.
    env : tuple of (str, str)
        Variables set inside.
    workdir : str or None
        Working directory inside.
    name : str
        A name unique on this host, by which an engine's container is found again and ended.
    stdin : bool
        Whether the command reads what is sent on standard input.
    cpus : str
        The processors it may run on, as ``taskset -c`` and ``--cpuset-cpus`` read them (``0``, ``0-3``);
        all of them when empty.
    memory_bytes : int
        The most memory it may have, asked of the runtime by its own option; not asked when 0.
    terminal : bool
        Whether the client has a terminal that the command is to get too.
    writable : bool
        Whether the image's own tree is to be writable inside, the image itself staying as it is.
    """

    image: str
    argv: tuple[str, ...]
    binds: tuple[Bind, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    workdir: str | None = None
    name: str = ""
    stdin: bool = False
    cpus: str = ""
    memory_bytes: int = 0
    terminal: bool = False
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One process that was really started, and what came of it.

    ``exit_status`` is negative for a signal (-15 for SIGTERM), as in `subprocess`. ``stdout`` and
    ``stderr`` are SHA-256 digests of the stored bytes. ``id`` is the SHA-256 of the rest. CPU time
    and ``max_rss_bytes`` are those of the started process and the children it waited for; they are
    ``None`` where an engine ran the work out of sight of the kernel's accounting.
    """

    id: str
    argv: tuple[str, ...]
    cwd: str
    started_at: str
    duration_s: float
    exit_status: int
    timed_out: bool
    stdout: str
    stdout_bytes: int
    stderr: str
    stderr_bytes: int
    cpu_s: float | None
    max_rss_bytes: int | None
    survivors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A process that has ended, with its output as bytes (cut at the launcher's cap)."""

    evidence: Evidence
    stdout: bytes
    stderr: bytes
    failure: str = ""
    """Why the runtime itself failed, where it said so; empty when the exit status is the payload's."""

    @property
    def ok(self) -> bool:
        """Exit status 0, and not ended by us."""
        return self.evidence.exit_status == 0 and not self.evidence.timed_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One immutable raw value.

    ``value`` is a number in ``unit``, or a word or a truth value with unit ``""``. ``runtime`` may
    be `CONTROL_AGAIN`. ``order`` is the place of the arm in its block (0 ran first).
    """

    probe: str
    probe_version: int
    runtime: str
    block: int
    order: int
    name: str
    value: int | float | str | bool | None
    unit: str
    repetition: int
    warm_up: bool
    evidence: tuple[str, ...]
    image_digest: str
    observed_at: str


class Outcome(StrEnum):
    """What the observations of one probe mean for one runtime at one site."""

    HOLDS = "HOLDS"
    FAILS = "FAILS"
    SOMETIMES = "SOMETIMES"
    """It held in some of the turns and failed in others."""
    MEASURED = "MEASURED"
    UNSUPPORTED = "UNSUPPORTED"
    """The runtime cannot, by design."""
    UNAVAILABLE = "UNAVAILABLE"
    """This site could not provide it: not installed, forbidden, no such device."""
    INERT = "INERT"
    """No control could do it either, so nothing is shown."""
    ERROR = "ERROR"
    """Our probe broke."""

    @property
    def is_evidence(self) -> bool:
        """Whether this outcome says something about the runtime."""
        return self in {
            Outcome.HOLDS,
            Outcome.FAILS,
            Outcome.SOMETIMES,
            Outcome.MEASURED,
            Outcome.UNSUPPORTED,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a claim comes from."""

    title: str
    url: str = ""


class Severity(StrEnum):
    """How much an exposure is worth to whoever would use it, before any site has said what matters there."""

    HIGH = "high"
    """Root on the host, or another user's data or jobs."""
    MEDIUM = "medium"
    """The user's own data or jobs outside of the container, or a step towards root."""
    LOW = "low"
    """More of the kernel in reach, or more known about the host; no effect by itself."""


class Delta(StrEnum):
    """An attempt against the bare host: what the runtime changes for a plain job of the same user."""

    ADDED = "the runtime added this"
    """Exposed here, and not on the bare host."""
    TAKEN_AWAY = "the runtime took this away"
    """Not possible here; the bare host could."""
    SAME = "as on the host"
    UNKNOWN = "not known"
    """One of the two shows nothing: inert, broken, or not attempted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTexts:
    """The words of a probe; they travel with its findings, so that the report needs no probe."""

    question: str
    why: str
    method: str
    remedy: str
    group: str
    unit: str = ""
    checklist_id: str = ""
    severity: Severity | None = None
    severity_reason: str = ""
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with the two ends of its confidence interval, all in one unit."""

    estimate: float
    low: float
    high: float


class Comparison(StrEnum):
    """A runtime against the bare host, as `evaluation.statistics.compare` tests it."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Borrowed:
    """Where a finding was really made, and by what factor its intervals were widened for that."""

    site: str
    run: str
    widen_by: float
    reason: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one probe shows for one runtime at one site.

    ``blocks``, ``samples`` and ``control`` have equal length: per block the value of this runtime
    and of the bare host, in ``texts.unit``. They are empty unless the outcome is ``MEASURED``;
    ``control`` is empty too where the bare host has no such figure. ``value`` and ``ratio`` are
    ``None`` for fewer than three blocks.
    ``value`` is the estimate in ``texts.unit``, ``ratio`` the paired ratio to the bare host.
    ``verdict`` is the checklist's word (``DENIED EXPOSED ABSENT INERT ERROR``) for attempts, and
    ``delta`` what the runtime changes there; ``None`` for the bare host, and for what is no attempt.
    """

    site: str
    run: str
    runtime: str
    probe: str
    probe_version: int
    outcome: Outcome
    message: str
    texts: ProbeTexts
    verdict: str = ""
    delta: Delta | None = None
    blocks: tuple[int, ...] = ()
    samples: tuple[float, ...] = ()
    control: tuple[float, ...] = ()
    value: Interval | None = None
    ratio: Interval | None = None
    comparison: Comparison | None = None
    comparisons: int = 0
    """Among how many comparisons this one must hold; 0 where nothing is compared."""
    held: int = 0
    turns: int = 0
    """Of a question that was asked several times: in how many of how many turns it held; 0 otherwise."""
    pressed: int = 0
    """How many of the blocks were taken while the machine was short of processors."""
    image_digest: str = ""
    evidence: tuple[str, ...] = ()
    observed_at: str = ""
    control_groups: str = ""
    """Of a verdict of the batch contract: under which it was seen, as ``v2, manager systemd``."""
    work: tuple[tuple[str, float], ...] = ()
    """Of a unit of work: how much of what other probes price one turn did, by their ids."""
    borrowed: Borrowed | None = None
    """``None`` for evidence of the site itself."""
    taken_from: str = ""
    """The runtime that it was found out about, where this one is a mode of it and was not asked itself, or
    where whoever starts a container may leave the mode's options out."""
    closed_by: tuple[str, ...] = ()
    """The options by which a mode closes what is open by default; empty where nothing had to be closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A value between 0 and 1 on a declared scale; ``None`` where evidence is missing.

    ``low`` and ``high`` bound what the value could be: both 0 and 1 when nothing is known, and nearer to
    each other where another site's evidence stands in.
    """

    value: float | None
    low: float
    high: float


class Standing(StrEnum):
    """Where a runtime stands in one use case at one site."""

    RECOMMENDED = "recommended"
    TIED = "tied"
    DEPENDS = "depends"
    """First as signed, or in a declared scenario: and the scenarios disagree."""
    TOO_CLOSE = "too close to call"
    UNDECIDED = "undecided"
    BEHIND = "behind"
    KNOCKED_OUT = "knocked out"
    NOT_MEASURED = "not measured here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on one runtime for one use case at one site, with its reasons."""

    site: str
    use_case: str
    runtime: str
    standing: Standing
    score: Score
    p_first: float | None
    word: str = ""
    """What to do about it, by the rule of ``criteria.yaml``: adopt, trial, assess, works, avoid."""
    cost: str = ""
    """What it costs beside the first, in words, where it works and is behind."""
    reasons: tuple[str, ...] = ()
    contributions: tuple[tuple[str, Score], ...] = field(default=())
    """Per criterion id, its weighted contribution to the score; the sum is the score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionRow:
    """One criterion for one runtime at one site: the finding behind it and what it is worth.

    ``use_case`` is empty where the worth is the same in all of them. ``told`` says what it rests on, where
    that is more than one finding; ``finding`` is then that of the largest part, or of one that is missing.
    """

    criterion: str
    runtime: str
    score: Score
    finding: Finding | None
    use_case: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Between which points of one criterion, all others kept, the leader stays first.

    ``high`` may be infinite; both are not a number where no weight of this criterion makes it first.
    ``leads`` are its lead over the nearest rival, on the scale from 0 to 1, at the least and at the greatest
    plausible weight of this criterion; ``None`` without rivals.
    """

    criterion: str
    weight: float
    low: float
    high: float
    leads: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """What one answer hangs on.

    ``runtimes`` are the field in order of rank; the first is the leader. ``flip`` is the smallest change of a
    single weight that brings another level: criterion, points, runtime. ``groups`` is the stability of
    criteria that are moved together, in proportion, by the name of their section. ``without`` names the
    criteria that change the leader when they are left out, with the new one. ``acceptability`` has a row for
    each runtime: its share of the draws at each rank. ``central`` has, for each runtime that is first in any
    draw, the mean share of each criterion (by ``criteria``) in those draws: whose choice it would be.
    ``methods`` are second opinions: name, and value by runtime; none where evidence is missing.
    """

    runtimes: tuple[str, ...]
    criteria: tuple[str, ...]
    stability: tuple[Stability, ...] = ()
    groups: tuple[Stability, ...] = ()
    flip: tuple[str, float, str] | None = None
    without: tuple[tuple[str, str], ...] = ()
    acceptability: tuple[tuple[float, ...], ...] = ()
    central: tuple[tuple[str, tuple[float, ...]], ...] = ()
    methods: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPart:
    """What one kind of thing in a unit of work costs beside the bare host.

    ``count`` of it are in a unit, ``host_s`` the bare host takes for one, ``ratio`` is how many times as
    long it takes in the runtime; both are ``None`` where that was not measured. ``seconds`` is
    ``count * host_s * (ratio - 1)``, ``None`` where it is not known; ``low`` and ``high`` bound it.
    ``missing`` says in words why it is not known.
    """

    name: str
    probe: str
    count: float
    host_s: float | None
    ratio: Interval | None
    seconds: float | None
    low: float
    high: float
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCheck:
    """A unit at a reduced size, done as a whole: what the parts add up to, and what was measured.

    Both in seconds beside the bare host, which took ``host_s`` for it. ``agrees`` unless the two intervals
    have nothing in common.
    """

    probe: str
    host_s: float
    predicted: Interval
    measured: Interval
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Seconds of one unit of work that a runtime costs beside the bare host.

    ``unit_s`` is how long the bare host takes for the unit: its computing, and what is counted in it.
    ``seconds`` is the sum of the parts, ``None`` where one of them is not known; ``low`` and ``high`` are
    the ends of its interval, or bound it. ``known_s`` is the sum of those that are known. ``varied`` is the
    loss with every count at its low and at its high amount. ``lengths`` has, for the low, the middle and the
    high length, that length in seconds and the loss as a share of the unit, from low to high.
    ``blocks`` is the smallest number of blocks behind a part.
    """

    use_case: str
    runtime: str
    unit_s: float
    seconds: float | None
    known_s: float
    low: float
    high: float
    parts: tuple[LossPart, ...]
    blocks: int
    varied: tuple[float, float]
    lengths: tuple[tuple[float, Interval], ...]
    check: LossCheck | None = None
    """``None`` where no such unit was done as a whole: the sum then stands alone."""

    @property
    def share(self) -> float | None:
        """The loss as a share of the unit."""
        return None if self.seconds is None else self.seconds / self.unit_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The whole decision under one declared change.

    ``leaders`` are those within the tie margin of the first, or whom missing evidence could put there, the
    best first. ``open``: missing evidence is why they are several. ``agrees``: they are those of the decision
    as signed; of another site: those as signed are among them.
    """

    name: str
    """The rule's id in ``criteria.yaml``; behind a slash what was left out, or the other site."""
    change: str
    """What is changed, in the rule's word; empty as signed."""
    title: str
    condition: str
    """As a clause: ``with all objectives alike``."""
    turns_on: str
    """What the answer turns on where this scenario disagrees: ``the weight of many small files``."""
    leaders: tuple[str, ...]
    scores: tuple[tuple[str, Score], ...]
    open: bool
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """What takes one step of confidence: by its name in ``criteria.yaml``, and what was found."""

    name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How good the evidence behind an answer is: high, moderate, low, very low.

    ``example``: it is nobody's own evidence (the run that comes with the project, or another site's).
    """

    word: str
    doubts: tuple[Doubt, ...]
    example: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Evidence that would decide: what to measure, and why it is missing now."""

    what: str
    now: str = ""

    def __str__(self) -> str:
        return f"{self.what} ({self.now})" if self.now else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeScore:
    """One way to run a product in one use case: the product competes by the best that is permitted.

    ``base`` is empty for what is no mode of another. ``knocked_out`` are the reasons, where it is.
    """

    runtime: str
    family: str
    base: str
    options: tuple[str, ...]
    score: Score
    competes: bool
    knocked_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCaseDecision:
    """The answer for one use case at one site.

    ``answer`` is the answer in one sentence, ``brief`` the same for where the use case and the chance stand
    beside it. ``asides`` are the sentences on who was not in it, and why. ``winner`` is ``None`` unless one
    runtime is recommended. ``verdicts`` are in order of rank. ``measure_next`` names the evidence that would
    decide. ``scenarios`` begins with the decision as signed; empty where there is no field.
    """

    site: str
    use_case: str
    answer: str
    winner: str | None
    verdicts: tuple[Verdict, ...]
    brief: str = ""
    asides: tuple[str, ...] = ()
    measure_next: tuple[Missing, ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    spread: Interval | None = None
    """Between which two the first score lies, by noise and by what is missing; ``None`` without a field."""
    measured: float = 0.0
    """The least share of the weight that was measured here, of those who may be first."""
    confidence: Confidence | None = None
    """``None`` where nobody competes, and where nothing is declared of it."""
    modes: tuple[ModeScore, ...] = ()
    """Every way that was measured, by product, the best first; empty where each product has one."""
    robustness: Robustness | None = None
    """``None`` where there is no field."""
    losses: tuple[Loss, ...] = ()
    """What a unit of work costs in each runtime; none where the use case declares no work."""

    @property
    def sentence(self) -> str:
        """The answer in words, and who was not in it and why."""
        return " ".join((self.answer, *self.asides))


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDecision:
    """Everything decided from one run at one site."""

    site: str
    run: str
    rows: tuple[CriterionRow, ...]
    use_cases: tuple[UseCaseDecision, ...]
    basis: object = field(default=None, repr=False, compare=False)
    """What was resampled for it (`evaluation.decide.losses.Basis`), so that who decides again need not."""

    def rows_of(self, use_case: str) -> tuple[CriterionRow, ...]:
        """Give the rows that hold in a use case: those of all of them, and its own."""
        return tuple(row for row in self.rows if row.use_case in {"", use_case})
