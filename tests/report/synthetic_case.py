"""A made-up case with every kind of cell in it. Nothing in here was measured anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from evaluation.decide.criteria import Criteria
from evaluation.model import (
    Comparison,
    CriterionRow,
    Evidence,
    Finding,
    Interval,
    Outcome,
    ProbeTexts,
    Reference,
    Score,
    SiteDecision,
    Standing,
    UseCaseDecision,
    Verdict,
)
from evaluation.report.source import Case, SiteCase
from evaluation.sites import Batch, Fact, Site
from evaluation.store import FormFacts, HostFacts, ImageFacts, Manifest, RuntimeFacts

RUNTIMES: Final = ("host", "docker", "podman", "apptainer", "apptainer-sandbox", "charliecloud", "shifter")
ABSENT: Final = "shifter"
DIGEST: Final = "sha256:" + "5a" * 32
RUN: Final = "2026-11-14T0912"
STARTED: Final = "2026-11-14T09:12:04+00:00"

MEASURED_PROBES: Final = {
    "cold_start": ("How long does a container take from launch to its first instruction?", "s", 0.004),
    "import_storm": ("How long do Python imports take, one process and many at once?", "s", 0.31),
    "metadata_rate": ("How fast are many small files opened, read and listed?", "files/s", 41_000.0),
    "syscall_rate": ("What does a system call cost?", "1/s", 5_800_000.0),
    "cpu_rate": ("Does computing run at the speed of the bare host?", "1/s", 1_250.0),
}
RATIOS: Final = {
    "docker": (98.0, 1.04, 0.55, 0.79, 1.003),
    "podman": (47.0, 1.06, 0.61, 0.8, 0.998),
    "apptainer": (32.0, 2.1, 0.15, 1.001, 1.002),
    "apptainer-sandbox": (17.5, 1.05, 0.96, 1.0, 0.999),
    "charliecloud": (1.6, 1.01, 0.99, 0.999, 1.0),
}
FUNCTIONAL_PROBES: Final = {
    "output_ownership": "Do files written by a container belong to the user who started it?",
    "signal_delivery": "Does a signal sent to the client reach the program inside?",
    "host_network_visibility": "Does the container see the network of the host?",
}
ATTEMPTS: Final = {
    "host_root_identity": ("P01", "Is the program inside root on the host?"),
    "no_new_privileges": ("P05", "Can the program inside gain privileges through setuid files?"),
    "setuid_escalation": ("P06", "Does a setuid-root helper on a bind give effective root?"),
    "setuid_planting": ("P15", "Can a setuid-root file be planted for the host to run?"),
    "host_process_signalling": ("P29", "Can a process of the same user on the host be seen and signalled?"),
    "grid_proxy_exposure": ("P33", "Can a grid proxy (mode 0600) in /tmp be read?"),
    "environment_secret_inheritance": ("P36", "Is a secret in the host's environment inherited?"),
    "host_filesystem_bind": ("P39", "Does binding / allow reading root's files?"),
}
EXPOSED: Final = {
    ("docker", "host_root_identity"),
    ("docker", "setuid_escalation"),
    ("docker", "setuid_planting"),
    ("docker", "host_filesystem_bind"),
    ("docker", "no_new_privileges"),
    ("podman", "no_new_privileges"),
    ("host", "no_new_privileges"),
    ("host", "setuid_escalation"),
    *(
        (name, "host_process_signalling")
        for name in ("host", "apptainer", "apptainer-sandbox", "charliecloud")
    ),
    *((name, "grid_proxy_exposure") for name in ("host", "apptainer", "apptainer-sandbox", "charliecloud")),
    *((name, "environment_secret_inheritance") for name in ("host", "apptainer", "apptainer-sandbox")),
}


@dataclass(frozen=True)
class SyntheticPoint:
    use_case: str
    runtime: str
    probe: str
    favourable: bool
    text: str
    weight: float


def criteria() -> Criteria:
    """Three use cases over all probes, with made-up numbers."""

    def constant(value: object) -> dict[str, object]:
        return {"value": value, "reason": "Made up for the tests of the report.", "source": "nobody"}

    rows: dict[str, object] = {}
    for probe, (question, unit, _) in MEASURED_PROBES.items():
        rows[probe] = {
            "figure": "ratio",
            "question": question,
            "group": "performance",
            "probe": probe,
            "source": "nobody",
            "direction": "minimise" if unit == "s" else "maximise",
            "unit": "1",
            "scale": {
                "worst": 100.0 if unit == "s" else 0.1,
                "best": 1.0,
                "spacing": "log",
                "reason": "made up",
            },
        }
    for probe, question in (*FUNCTIONAL_PROBES.items(), *((p, q) for p, (_, q) in ATTEMPTS.items())):
        rows[probe] = {
            "figure": "outcome",
            "question": question,
            "group": "security" if probe in ATTEMPTS else "operations",
            "probe": probe,
            "source": "nobody",
            "outcomes": {Outcome.HOLDS: 1.0, Outcome.FAILS: 0.0, Outcome.UNSUPPORTED: 0.0},
            "reason": "made up",
        }
    weights = {name: float(10 - place % 7) for place, name in enumerate(rows)}
    veto = {
        "criterion": "host_root_identity",
        "when": Outcome.FAILS,
        "reason": "made up",
        "source": "nobody",
    }
    return Criteria.model_validate(
        {
            "method": {
                "confidence_level": constant(0.95),
                "bootstrap_resamples": constant(10_000),
                "indifference_margin": constant(0.05),
                "correction": constant("holm"),
                "p_first_bar": constant(0.9),
                "weight_range": constant(0.5),
                "draws": constant(100_000),
                "score_tie_margin": constant(0.02),
                "seed": constant(7),
            },
            "criteria": rows,
            "use_cases": {
                "l1proc": {
                    "title": "L1Proc",
                    "story": "Automated processing of every downlink on the batch farm, many jobs at once.",
                    "weights": weights,
                    "knock_outs": (veto,),
                },
                "end_user": {
                    "title": "End user",
                    "story": "One scientist, one analysis, one image that has everything compiled.",
                    "weights": weights,
                },
                "developer": {
                    "title": "Developer",
                    "story": "Mounts code at run time, compiles and debugs inside the container.",
                    "weights": weights,
                },
            },
        }
    )


class Recorder:
    """Makes evidence and keeps it."""

    def __init__(self, transcript: str) -> None:
        self.processes: dict[str, Evidence] = {}
        self.blobs: dict[str, bytes] = {}
        self.transcript = transcript
        self.count = 0

    def blob(self, text: str) -> tuple[str, int]:
        content = text.encode()
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest, len(content)

    def process(self, runtime: str, probe: str, exit_status: int = 0) -> str:
        self.count += 1
        argv = {
            "host": (),
            "docker": (
                "docker",
                "run",
                "--rm",
                "--pull",
                "never",
                "--network",
                "host",
                "--name",
                f"x-{self.count}",
                "--user",
                "1001:1001",
                "-v",
                "/tmp/work:/work",
                "-v",
                "/opt/payload:/payload:ro",
                "image:1",
            ),
            "podman": (
                "podman",
                "run",
                "--rm",
                "--pull",
                "never",
                "--network",
                "host",
                "--userns",
                "keep-id",
                "-v",
                "/tmp/work:/work",
                "-v",
                "/opt/payload:/payload:ro",
                "localhost/image:1",
            ),
        }.get(runtime, (runtime, "exec", "--containall", "--bind", "/tmp/work:/work", "/images/image.sif"))
        stdout, stdout_bytes = self.blob(f'{{"probe": "{probe}", "pid": {self.count}}}\n' + self.transcript)
        stderr, stderr_bytes = self.blob(
            "" if exit_status == 0 else "payload: operation not permitted\n" + self.transcript
        )
        identifier = hashlib.sha256(f"{runtime} {probe} {self.count}".encode()).hexdigest()
        self.processes[identifier] = Evidence(
            id=identifier,
            argv=(*argv, "/payload/attempt", probe, "it's a 'quoted' argument"),
            cwd="/tmp",
            started_at=STARTED,
            duration_s=0.1 + self.count % 7 / 50,
            exit_status=exit_status,
            timed_out=False,
            stdout=stdout,
            stdout_bytes=stdout_bytes,
            stderr=stderr,
            stderr_bytes=stderr_bytes,
            cpu_s=None if runtime in {"docker", "podman"} else 0.02,
            max_rss_bytes=None if runtime in {"docker", "podman"} else 12_000_000,
            survivors=("4242 sleep 60",) if exit_status == -9 else (),
        )
        return identifier


def _texts(question: str, group: str, unit: str = "", checklist_id: str = "") -> ProbeTexts:
    return ProbeTexts(
        question=question,
        why="Made up: says why the answer matters to a computing centre, in two or three short sentences.",
        method="Made up: says what is run, how often, and against which control it is held.",
        remedy="Made up: says what to change where the answer is unwelcome.",
        group=group,
        unit=unit,
        checklist_id=checklist_id,
        references=(Reference(title="A made-up reference", url="https://example.org/reference"),),
    )


def findings(recorder: Recorder, runtimes: Sequence[str], blocks: int, note: str) -> tuple[Finding, ...]:
    """Every kind of outcome, made up."""
    rng = np.random.default_rng(1)
    found: list[Finding] = []

    def add(runtime: str, probe: str, texts: ProbeTexts, outcome: Outcome, message: str, **more: Any) -> None:
        status = {"docker": 126}.get(runtime, 0) if outcome is Outcome.FAILS else 0
        many = len(more.get("samples", ())) or 2
        absent = outcome is Outcome.UNAVAILABLE
        found.append(
            Finding(
                site="local", run=RUN, runtime=runtime, probe=probe, probe_version=1,
                outcome=outcome, message=message + note, texts=texts, image_digest=DIGEST,
                observed_at="" if absent else STARTED,
                evidence=() if absent else tuple(recorder.process(runtime, probe, status) for _ in range(many)),
                **more,
            )
        )  # fmt: skip

    for column, (probe, (question, unit, base)) in enumerate(MEASURED_PROBES.items()):
        texts = _texts(question, "performance", unit)
        control = base * (1 + 0.02 * rng.standard_normal(blocks))
        for runtime in (*runtimes, "host-again"):
            if runtime == ABSENT:
                add(runtime, probe, texts, Outcome.UNAVAILABLE, "Shifter is not installed here.")
                continue
            if (runtime, probe) == ("podman", "import_storm"):
                add(runtime, probe, texts, Outcome.ERROR, "The probe's payload printed no result line.")
                continue
            scale = RATIOS.get(runtime, (1.0,) * 5)[column]
            own = base * scale * (1 + 0.03 * rng.standard_normal(blocks))
            better = scale > 1 if unit != "s" else scale < 1
            comparison = (
                None if runtime == "host"
                else Comparison.UNDECIDED if (runtime, probe) == ("docker", "import_storm")
                else Comparison.EQUIVALENT if abs(scale - 1) < 0.05
                else Comparison.BETTER if better else Comparison.WORSE
            )  # fmt: skip
            add(
                runtime, probe, texts, Outcome.MEASURED, f"{base * scale:.4g} {unit} over {blocks} blocks.",
                blocks=tuple(range(blocks)), samples=tuple(map(float, own)), control=tuple(map(float, control)),
                value=Interval(estimate=base * scale, low=base * scale * 0.97, high=base * scale * 1.03),
                ratio=None if runtime == "host" else Interval(estimate=scale, low=scale * 0.97, high=scale * 1.04),
                comparison=comparison,
            )  # fmt: skip
    for probe, question in FUNCTIONAL_PROBES.items():
        for runtime in runtimes:
            outcome = {
                (ABSENT, probe): Outcome.UNAVAILABLE,
                ("docker", "output_ownership"): Outcome.FAILS,
                ("charliecloud", "host_network_visibility"): Outcome.UNSUPPORTED,
            }.get((runtime, probe), Outcome.HOLDS)
            add(runtime, probe, _texts(question, "operations"), outcome, "What was seen, in one sentence.")
    for probe, (checklist_id, question) in ATTEMPTS.items():
        texts = _texts(question, "security", checklist_id=checklist_id)
        for runtime in runtimes:
            if runtime == ABSENT:
                add(runtime, probe, texts, Outcome.UNAVAILABLE, "Shifter is not installed here.")
            elif probe == "setuid_planting" and runtime in {"host", "charliecloud"}:
                add(runtime, probe, texts, Outcome.INERT, "No control could do it.", verdict="INERT")
            elif (runtime, probe) in EXPOSED:
                add(runtime, probe, texts, Outcome.FAILS, "The verifier saw the effect.", verdict="EXPOSED")
            else:
                add(runtime, probe, texts, Outcome.HOLDS, "The attempt failed.", verdict="DENIED")
    return tuple(found)


def _score(value: float, slack: float = 0.05) -> Score:
    return Score(value=value, low=max(value - slack, 0), high=min(value + slack, 1))


def decision(rules: Criteria, runtimes: Sequence[str], note: str) -> SiteDecision:
    """One clear winner, one close call, one undecided for missing evidence."""
    unknown = Score(value=None, low=0.0, high=1.0)
    values = {
        "apptainer-sandbox": 0.81,
        "charliecloud": 0.74,
        "apptainer": 0.62,
        "podman": 0.58,
        "docker": 0.44,
    }
    plans = {
        "l1proc": (Standing.RECOMMENDED, "apptainer-sandbox", "Run L1Proc in Apptainer image directories: "
                   "first in 97 of 100 draws, and ahead of Charliecloud whatever the weights in range.", 0.97),
        "end_user": (Standing.TOO_CLOSE, None, "Apptainer directories and Charliecloud are too close to call: "
                     "a small change of weights turns the order round.", 0.61),
        "developer": (Standing.UNDECIDED, None, "Undecided: what was not measured could put Podman first.", 0.55),
    }  # fmt: skip
    use_cases = []
    for name, (standing, winner, sentence, p_first) in plans.items():
        verdicts = []
        for place, (runtime, value) in enumerate(values.items()):
            if runtime not in runtimes:
                continue
            here = standing if place == 0 or (place == 1 and winner is None) else Standing.BEHIND
            verdicts.append(
                Verdict(site="local", use_case=name, runtime=runtime, standing=here, score=_score(value),
                        p_first=p_first if place == 0 else (1 - p_first) / 4)
            )  # fmt: skip
        if name == "l1proc":
            verdicts[-1] = replace(
                verdicts[-1],
                standing=Standing.KNOCKED_OUT,
                p_first=0.0,
                reasons=("host_root_identity fails: the program inside is root on the host" + note,),
            )
        verdicts.append(
            Verdict(site="local", use_case=name, runtime=ABSENT, standing=Standing.NOT_MEASURED, score=unknown,
                    p_first=None, reasons=("shifter is not on PATH, and no package registry has it" + note,))
        )  # fmt: skip
        use_cases.append(
            UseCaseDecision(
                site="local", use_case=name, sentence=sentence + note, winner=winner, verdicts=tuple(verdicts),
                measure_next=() if winner else ("import_storm for podman", "cold_start with more blocks"),
            )
        )  # fmt: skip
    rows = tuple(
        CriterionRow(criterion=criterion, runtime=runtime, finding=None,
                     score=unknown if runtime == ABSENT else _score((place * 37 % 100) / 100))
        for place, criterion in enumerate(rules.criteria)
        for runtime in (*values, ABSENT)
    )  # fmt: skip
    return SiteDecision(site="local", run=RUN, rows=rows, use_cases=tuple(use_cases))


def manifest(runtimes: Sequence[str], note: str, *, label: str = "") -> Manifest:
    """A manifest with every field."""
    return Manifest(
        site="local", run=RUN, profile="quick", seed=20261114, plan="7b" * 32, tool_version="0.1.0",
        started_at=STARTED, measured_as="evaluator (uid 1001)", as_root=True, label=label,
        host=HostFacts(
            system="Debian GNU/Linux 12 (bookworm)", kernel="6.18.0", architecture="x86_64", cpu="A made-up CPU",
            cores=2, memory_bytes=8_200_000_000, cgroup="hybrid: cpu, memory", virtualisation="kvm",
            mitigations="default", lsm="apparmor",
        ),
        runtimes=tuple(
            RuntimeFacts(
                id=runtime, family=runtime.split("-")[0], mode="unprivileged, user namespace" + note,
                present=runtime != ABSENT, version="" if runtime == ABSENT else "1.2.3",
                reason="shifter is not on PATH, and no package registry has it" + note if runtime == ABSENT else "",
                advice="Ask the site's administrators." if runtime == ABSENT else "",
                command=f"/usr/bin/{runtime}", options=("--network", "host"), security=("seccomp", "apparmor"),
            )
            for runtime in runtimes
        ),
        image=ImageFacts(
            name="evaluation:1", recipe="images/evaluation/Containerfile", recipe_sha256="c4" * 32, digest=DIGEST,
            tar_bytes=216_000_000, build_s=41.0, packages=("python3",),
            forms=tuple(
                FormFacts(runtime=runtime, form="directory", reference="/images/x", size_bytes=180_000_000,
                          convert_s=3.9, digest=DIGEST)
                for runtime in runtimes
                if runtime not in {ABSENT, "host"}
            ),
        ),
    )  # fmt: skip


def points(note: str) -> tuple[SyntheticPoint, ...]:
    """Pros and cons, made up."""
    texts = (
        ("apptainer-sandbox", "cold_start", False, "starts 17.5 times slower than the bare host (95 % CI 17.0-18.2, n = 30)", 9.0),
        ("apptainer-sandbox", "syscall_rate", True, "system calls cost what they cost on the host, tested within 5 %", 7.0),
        ("apptainer-sandbox", "output_ownership", True, "files belong to the user who started it", 5.0),
        ("docker", "host_root_identity", False, "the program inside is root on the host", 10.0),
        ("docker", "metadata_rate", False, "opens small files at 0.55 of the host's speed (95 % CI 0.53-0.57, n = 30)", 8.0),
        ("docker", "grid_proxy_exposure", True, "keeps the grid proxy in /tmp out of sight", 4.0),
        ("charliecloud", "cold_start", True, "starts 1.6 times slower than the host, the fastest of all", 9.0),
    )  # fmt: skip
    return tuple(
        SyntheticPoint(use_case=use_case, runtime=r, probe=p, favourable=f, text=t + note, weight=w)
        for use_case in ("l1proc", "end_user", "developer")
        for r, p, f, t, w in texts
    )


def make_case(
    *,
    runtimes: Sequence[str] = RUNTIMES,
    blocks: int = 30,
    transcript: str = "",
    note: str = "",
    label: str = "",
    finished_at: str = "2026-11-14T09:20:44+00:00",
) -> Case:
    """Make a case; ``transcript`` is printed by every process and ``note`` ends every other text."""
    rules = criteria()
    recorder = Recorder(transcript)
    found = findings(recorder, runtimes, blocks, note)
    facts = (
        Fact(
            topic="batch system" + note,
            statement="A made-up statement about the batch system of this site." + note,
            source="A made-up page, section Pipeline (https://example.org/minutes)" + note,
            date="2017-06-06",
            dating="The page says so.",
            checked="Read on the page. Not confirmed by the site." + note,
            confidence="declared",
        ),
        Fact(
            topic="container policy",
            statement="A made-up policy: containers are welcome, their daemons less so.",
            source="https://example.org/policy",
            date="undated",
            checked="Read in a stored copy.",
            confidence="declared",
        ),
    )
    batch = Batch(engine="unknown", reason="Made up.")
    return Case(
        criteria=rules,
        sites={
            "local": Site(id="local", title="This machine", status="measured-here", facts=(), batch=batch),
            "slac": Site(id="slac", title="SLAC" + note, status="declared-only", facts=facts, batch=batch),
            "cc-in2p3": Site(
                id="cc-in2p3", title="CC-IN2P3, Lyon", status="declared-only", facts=facts[:1], batch=batch
            ),
        },
        measured=(
            SiteCase(
                manifest=manifest(runtimes, note, label=label),
                finished_at=finished_at,
                findings=found,
                evidence=recorder.processes,
                blob=recorder.blobs.__getitem__,
                decision=decision(rules, runtimes, note),
                points=points(note),
            ),
        ),
    )
