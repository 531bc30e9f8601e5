"""A made-up run of the whole checklist: some fifty attempts in fourteen modes. Nothing was attempted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Final

from synthetic_case import make_case
from synthetic_findings import DIGEST, RUN, SITE, STARTED

from evaluation.decide.delta import against_host
from evaluation.model import (
    CONTROL,
    Evidence,
    Finding,
    Observation,
    Outcome,
    ProbeTexts,
    Reference,
    Role,
    Severity,
)
from evaluation.report.checklist import AREAS
from evaluation.report.source import Case
from evaluation.store import RuntimeFacts

MODES: Final = {
    "host": "bare process, no container",
    "docker": "root daemon, root inside, bridge network",
    "docker-user": "root daemon, the user's own id inside",
    "docker-hardened": "root daemon, no capabilities, no new privileges",
    "docker-unsafe": "positive control: everything switched off",
    "docker-rootless": "rootless daemon",
    "podman": "rootless, root inside is the user outside",
    "podman-keep-id": "rootless, the user's own id inside",
    "apptainer": "unprivileged, image file",
    "apptainer-contained": "unprivileged, nothing of the host but what is bound",
    "apptainer-fakeroot": "unprivileged, root inside",
    "apptainer-sandbox": "unprivileged, unpacked directory",
    "charliecloud": "unprivileged user namespace, unpacked directory",
    "shifter": "setuid helper, image mounted by the site",
}
NUMBERS: Final = tuple(number for numbers in AREAS.values() for number in numbers)
NAMES: Final = ("made_up_attempt", "socket_reachability", "capability_bounding_set", "unmasking")


@dataclass
class Checklist:
    """Makes findings with processes and records for every number and mode; ``printed`` is their output."""

    printed: str = ""
    findings: list[Finding] = field(default_factory=list)
    processes: dict[str, Evidence] = field(default_factory=dict)
    outputs: dict[str, bytes] = field(default_factory=dict)
    recorded: dict[tuple[str, str], tuple[Observation, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, number in enumerate(NUMBERS):
            probe = f"{NAMES[place % len(NAMES)]}_{number.lower()}"
            texts = self._texts(number, place)
            host = self._attempt(probe, texts, CONTROL, place, 0)
            self.findings.append(host)
            for column, runtime in enumerate(MODES):
                if runtime != CONTROL:
                    found = self._attempt(probe, texts, runtime, place, column)
                    self.findings.append(replace(found, delta=against_host(found, [host])))

    def _attempt(self, probe: str, texts: ProbeTexts, runtime: str, place: int, column: int) -> Finding:
        outcome, verdict, message = self._came_to(runtime, place, column)
        evidence = self._processes(probe, runtime) if outcome is not Outcome.UNAVAILABLE else ()
        values: dict[str, str | bool] = {
            "control": True,
            "effect": outcome is Outcome.FAILS,
            "detail": "uid 0, mode 4755",
        }
        if evidence:
            self.recorded[probe, runtime] = tuple(
                self._observation(probe, runtime, name, value) for name, value in values.items()
            )
        return Finding(
            site=SITE,
            run=RUN,
            runtime=runtime,
            probe=probe,
            probe_version=1,
            outcome=outcome,
            message=message,
            texts=texts,
            verdict=verdict,
            image_digest=DIGEST,
            evidence=evidence,
            observed_at=STARTED if evidence else "",
        )

    @staticmethod
    def _came_to(runtime: str, place: int, column: int) -> tuple[Outcome, str, str]:
        seen = "made up: what the program saw inside, and what the verifier found on the host"
        exposed = Outcome.FAILS, "EXPOSED", seen
        if runtime == "shifter":
            return Outcome.UNAVAILABLE, "", "shifter is not on PATH"
        if runtime == "docker-unsafe":
            return exposed
        kinds = dict.fromkeys(range(4), exposed)
        kinds[4] = Outcome.INERT, "INERT", "no control could do it either, so this shows nothing"
        kinds[5] = Outcome.HOLDS, "ABSENT", "there is no such thing here"
        if runtime != CONTROL:
            kinds[6] = Outcome.ERROR, "ERROR", "the payload did not run to its end (exit status 125)"
            kinds[7] = Outcome.UNSUPPORTED, "", "the runtime refuses this option"
        denied = Outcome.HOLDS, "DENIED", f"{seen}; control: the bare host could"
        return kinds.get((place * 7 + column * 5) % 23, denied)

    def _processes(self, probe: str, runtime: str) -> tuple[str, ...]:
        scratch = "/tmp/container-evaluation-56rxx3vq"  # noqa: S108 - only a text
        payload = (f"{scratch}/payload/probe", probe, f"{scratch}/turn/planted")
        client = {
            CONTROL: payload,
            "charliecloud": ("/usr/bin/ch-run", "--bind", f"{scratch}/payload:/payload", "--", *payload),
        }.get(
            runtime,
            (
                f"/usr/bin/{runtime.split('-', maxsplit=1)[0]}", "run", "--rm", "--pull", "never",
                "--name", "container-evaluation-db7c0864f7b1",
                "--mount", f"type=bind,source={scratch}/payload,target=/payload,readonly",
                "--mount", f"type=bind,source={scratch}/turn,target=/work",
                "container-evaluation/small:3c8a6f82f1e8", *payload,
            ),
        )  # fmt: skip
        said = f'{{"what": "{probe}", "ok": false, "errno": 1, "error": "Operation not permitted"}}\n'
        return (
            self._process(probe, runtime, client, said + '{"done": true}\n' + self.printed),
            self._process(probe, runtime, (f"{scratch}/turn/planted", scratch), '{"done": true}\n'),
        )

    def _process(self, probe: str, runtime: str, argv: tuple[str, ...], said: str) -> str:
        digest = hashlib.sha256(said.encode()).hexdigest()
        self.outputs[digest] = said.encode()
        identifier = hashlib.sha256(f"{probe} {runtime} {argv}".encode()).hexdigest()
        self.processes[identifier] = Evidence(
            id=identifier,
            argv=argv,
            cwd="/",
            started_at=STARTED,
            duration_s=0.354,
            exit_status=0,
            timed_out=False,
            stdout=digest,
            stdout_bytes=len(said.encode()),
            stderr=hashlib.sha256(b"").hexdigest(),
            stderr_bytes=0,
            cpu_s=None,
            max_rss_bytes=None,
        )
        return identifier

    @staticmethod
    def _observation(probe: str, runtime: str, name: str, value: str | bool) -> Observation:  # noqa: FBT001 - a value
        return Observation(
            probe=probe,
            probe_version=1,
            runtime=runtime,
            block=0,
            order=0,
            name=name,
            value=value,
            unit="",
            repetition=0,
            warm_up=False,
            evidence=(),
            image_digest=DIGEST,
            observed_at=STARTED,
        )

    @staticmethod
    def _texts(number: str, place: int) -> ProbeTexts:
        return ProbeTexts(
            question=f"Is made-up attempt {number} on the host kept from its effect?",
            why="Made up: why the answer matters to a computing centre, in two short sentences of words.",
            method="Made up: what the payload does, what the verifier looks at, and which control it has.",
            remedy="Made up: what to change where the answer is unwelcome.",
            group="security",
            checklist_id=number,
            severity=tuple(Severity)[place % len(Severity)],
            severity_reason="Made up: what an exposure is worth to whoever would use it.",
            references=(Reference(title="A made-up reference", url="https://example.org/reference"),),
        )


def checklist_case(*, printed: str = "", blocks: int = 5) -> Case:
    """Make a case in which the whole checklist was attempted in every mode."""
    made = Checklist(printed=printed)
    case = make_case(blocks=blocks)
    site = case.measured[0]
    facts = tuple(
        RuntimeFacts(
            id=runtime,
            family=runtime.split("-", maxsplit=1)[0],
            mode=mode,
            present=runtime != "shifter",
            command={"host": "/usr/bin/env", "charliecloud": "/usr/bin/ch-run"}.get(
                runtime, f"/usr/bin/{runtime.split('-', maxsplit=1)[0]}"
            ),
            role=Role.POSITIVE_CONTROL if runtime == "docker-unsafe" else Role.ALTERNATIVE,
            timed=runtime != "docker-unsafe",
        )
        for runtime, mode in MODES.items()
    )
    others = tuple(finding for finding in site.findings if not finding.texts.checklist_id)
    return replace(
        case,
        measured=(
            replace(
                site,
                manifest=site.manifest.model_copy(update={"runtimes": facts}),
                findings=(*others, *made.findings),
                evidence={**site.evidence, **made.processes},
                outputs={**site.outputs, **made.outputs},
                recorded=made.recorded,
            ),
        ),
    )
