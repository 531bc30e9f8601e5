"""Made-up probes, findings and processes, with every kind of outcome among them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from evaluation.decide.delta import against_host
from evaluation.model import (
    CONTROL,
    CONTROL_AGAIN,
    Comparison,
    Evidence,
    Finding,
    Interval,
    Outcome,
    ProbeTexts,
    Reference,
    Severity,
)

RUNTIMES: Final = (
    "host", "docker", "podman", "apptainer", "apptainer-sandbox", "charliecloud", "shifter",
)  # fmt: skip
ABSENT: Final = "shifter"
WHY_ABSENT: Final = "shifter is not on PATH, and no package registry has it"
SITE: Final = "local"
RUN: Final = "2026-11-14T0912"
STARTED: Final = "2026-11-14T09:12:04+00:00"
DIGEST: Final = "sha256:" + "5a" * 32

MEASURED: Final = {
    "cold_start": ("How long does a container take from launch to its first instruction?", "s", 0.004),
    "import_storm": ("How long do Python imports take, one process and many at once?", "s", 0.31),
    "metadata_rate": ("How fast are many small files opened, read and listed?", "files/s", 41_000.0),
    "syscall_rate": ("How many system calls are made in a second?", "1/s", 5_800_000.0),
    "cpu_rate": ("Does computing run at the speed of the bare host?", "1/s", 1_250.0),
}
RATIOS: Final = {  # per runtime, in the order of the probes above
    "docker": (98.0, 1.04, 0.55, 0.79, 1.003),
    "podman": (47.0, 1.06, 0.61, 0.80, 0.998),
    "apptainer": (32.0, 2.10, 0.15, 1.001, 1.002),
    "apptainer-sandbox": (17.5, 1.05, 0.96, 1.0, 0.999),
    "charliecloud": (1.6, 1.01, 1.99, 0.999, 1.0),
}
FUNCTIONAL: Final = {
    "output_ownership": "Do files written by a container belong to the user who started it?",
    "signal_delivery": "Does a signal sent to the client reach the program inside?",
    "host_network_visibility": "Does the container see the network of the host?",
}
ATTEMPTS: Final = {
    "host_root_identity": ("P01", "Is the program inside root on the host?"),
    "no_new_privileges": ("P05", "Can the program inside gain privileges through setuid files?"),
    "setuid_escalation": ("P06", "Does a setuid-root helper on a bind give effective root?"),
    "setuid_planting": ("P15", "Can a setuid-root file be planted for the host to run?"),
    "host_process_signalling": ("P29", "Can a process of the same user on the host be signalled?"),
    "grid_proxy_exposure": ("P33", "Can a grid proxy (mode 0600) in the temporary folder be read?"),
    "environment_secret_inheritance": ("P36", "Is a secret in the host's environment inherited?"),
    "host_filesystem_bind": ("P39", "Does binding / allow reading root's files?"),
}
EXPOSED: Final = {  # per attempt, where its effect was seen
    "host_root_identity": {"docker"},
    "no_new_privileges": {"host", "docker", "podman"},
    "setuid_escalation": {"host", "docker"},
    "setuid_planting": {"docker"},
    "host_process_signalling": {"host", "apptainer", "apptainer-sandbox", "charliecloud"},
    "grid_proxy_exposure": {"host", "apptainer", "apptainer-sandbox", "charliecloud"},
    "environment_secret_inheritance": {"host", "apptainer", "apptainer-sandbox"},
    "host_filesystem_bind": {"docker"},
}


@dataclass
class Findings:
    """Makes findings with their processes, and keeps both.

    ``transcript`` is printed by every process, ``note`` ends every message.
    """

    runtimes: Sequence[str] = RUNTIMES
    blocks: int = 30
    transcript: str = ""
    note: str = ""
    items: list[Finding] = field(default_factory=list)
    processes: dict[str, Evidence] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    printed: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column, (probe, (question, unit, base)) in enumerate(MEASURED.items()):
            self._measure(probe, self._texts(question, "performance", unit), base, column)
        for probe, question in FUNCTIONAL.items():
            self._try(probe, self._texts(question, "operations"))
        for probe, (checklist_id, question) in ATTEMPTS.items():
            self._attempt(probe, self._texts(question, "security", checklist_id=checklist_id))
        hosts = {item.probe: item for item in self.items if item.runtime == CONTROL}
        self.items = [
            replace(item, delta=against_host(item, [hosts[item.probe]] if item.probe in hosts else []))
            for item in self.items
        ]

    def _measure(self, probe: str, texts: ProbeTexts, base: float, column: int) -> None:
        rng = np.random.default_rng(column)
        control = base * (1 + 0.02 * rng.standard_normal(self.blocks))
        for runtime in (*self.runtimes, CONTROL_AGAIN):
            if runtime == ABSENT:
                self._add(runtime, probe, texts, Outcome.UNAVAILABLE, WHY_ABSENT)
            elif (runtime, probe) == ("podman", "import_storm"):
                self._add(runtime, probe, texts, Outcome.ERROR, "The payload printed no result line.")
            else:
                scale = RATIOS.get(runtime, (1.0,) * len(MEASURED))[column]
                own = base * scale * (1 + 0.03 * rng.standard_normal(self.blocks))
                self._add_measured(runtime, probe, texts, own, control)

    def _add_measured(
        self,
        runtime: str,
        probe: str,
        texts: ProbeTexts,
        own: np.ndarray[tuple[int], np.dtype[np.float64]],
        control: np.ndarray[tuple[int], np.dtype[np.float64]],
    ) -> None:
        value, ratio = float(np.median(own)), float(np.median(own / control))
        self._add(
            runtime,
            probe,
            texts,
            Outcome.MEASURED,
            f"Made up over {self.blocks} blocks.",
            samples=tuple(map(float, own)),
            control=tuple(map(float, control)),
            value=Interval(estimate=value, low=value * 0.97, high=value * 1.03),
            ratio=None
            if runtime == CONTROL
            else Interval(estimate=ratio, low=ratio * 0.97, high=ratio * 1.04),
            comparison=self._comparison(runtime, probe, texts.unit, ratio),
        )

    @staticmethod
    def _comparison(runtime: str, probe: str, unit: str, ratio: float) -> Comparison | None:
        if runtime in {CONTROL, CONTROL_AGAIN}:
            return None
        if (runtime, probe) == ("docker", "import_storm"):
            return Comparison.UNRESOLVED
        if abs(ratio - 1) < 0.05:
            return Comparison.EQUIVALENT
        return Comparison.WORSE if (ratio > 1) == (unit == "s") else Comparison.BETTER

    def _try(self, probe: str, texts: ProbeTexts) -> None:
        for runtime in self.runtimes:
            outcome = {
                (ABSENT, probe): Outcome.UNAVAILABLE,
                ("docker", "output_ownership"): Outcome.FAILS,
                ("charliecloud", "host_network_visibility"): Outcome.UNSUPPORTED,
            }.get((runtime, probe), Outcome.HOLDS)
            message = WHY_ABSENT if runtime == ABSENT else "What was seen, in one sentence."
            self._add(runtime, probe, texts, outcome, message)

    def _attempt(self, probe: str, texts: ProbeTexts) -> None:
        for runtime in self.runtimes:
            if runtime == ABSENT:
                self._add(runtime, probe, texts, Outcome.UNAVAILABLE, WHY_ABSENT)
            elif probe == "setuid_planting" and runtime in {"host", "charliecloud"}:
                self._add(runtime, probe, texts, Outcome.INERT, "No control could do it.", verdict="INERT")
            elif runtime in EXPOSED[probe]:
                self._add(runtime, probe, texts, Outcome.FAILS, "The effect was seen.", verdict="EXPOSED")
            else:
                self._add(runtime, probe, texts, Outcome.HOLDS, "The attempt failed.", verdict="DENIED")

    def _add(
        self,
        runtime: str,
        probe: str,
        texts: ProbeTexts,
        outcome: Outcome,
        message: str,
        *,
        verdict: str = "",
        samples: tuple[float, ...] = (),
        control: tuple[float, ...] = (),
        value: Interval | None = None,
        ratio: Interval | None = None,
        comparison: Comparison | None = None,
    ) -> None:
        absent = outcome is Outcome.UNAVAILABLE
        status = 126 if runtime == "docker" and outcome is Outcome.FAILS else 0
        started = range(0 if absent else len(samples) or 2)
        self.items.append(
            Finding(
                site=SITE,
                run=RUN,
                runtime=runtime,
                probe=probe,
                probe_version=1,
                outcome=outcome,
                message=message + self.note,
                texts=texts,
                verdict=verdict,
                blocks=tuple(range(len(samples))),
                samples=samples,
                control=control,
                value=value,
                ratio=ratio,
                comparison=comparison,
                image_digest=DIGEST,
                evidence=tuple(self._process(runtime, probe, status) for _ in started),
                observed_at="" if absent else STARTED,
            )
        )

    def _process(self, runtime: str, probe: str, exit_status: int) -> str:
        number = len(self.processes) + 1
        options = ("--rm", "--pull", "never", "--network", "host", "--name", f"evaluation-{number}")
        client = () if runtime == CONTROL else (runtime, "run", *options, "--volume", "/payload:/payload:ro")
        stdout = self._printed(f'{{"probe": "{probe}"}}\n')
        stderr = self._printed("payload: operation not permitted\n") if exit_status else self._keep("")
        identifier = hashlib.sha256(f"{runtime} {probe} {number}".encode()).hexdigest()
        self.processes[identifier] = Evidence(
            id=identifier,
            argv=(*client, "/payload/attempt", probe, "it's 'quoted'" + self.note),
            cwd="/",
            started_at=STARTED,
            duration_s=0.1 + number % 7 / 50,
            exit_status=exit_status,
            timed_out=False,
            stdout=stdout[0],
            stdout_bytes=stdout[1],
            stderr=stderr[0],
            stderr_bytes=stderr[1],
            cpu_s=None if runtime == "docker" else 0.02,
            max_rss_bytes=None if runtime == "docker" else 12_000_000,
        )
        return identifier

    def _printed(self, line: str) -> tuple[str, int]:
        if line not in self.printed:
            self.printed[line] = self._keep(line + self.transcript)
        return self.printed[line]

    def _keep(self, text: str) -> tuple[str, int]:
        content = text.encode("utf-8")
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest, len(content)

    def _texts(self, question: str, group: str, unit: str = "", checklist_id: str = "") -> ProbeTexts:
        return ProbeTexts(
            question=question,
            why="Made up: why the answer matters to a computing centre, in two short sentences." + self.note,
            method="Made up: what is run, how often, and against which control it is held.",
            remedy="Made up: what to change where the answer is unwelcome.",
            group=group,
            unit=unit,
            checklist_id=checklist_id,
            severity=Severity.HIGH if checklist_id else None,
            severity_reason="Made up: what an exposure is worth to whoever would use it." + self.note
            if checklist_id
            else "",
            references=(Reference(title="A made-up reference", url="https://example.org/reference"),),
        )
