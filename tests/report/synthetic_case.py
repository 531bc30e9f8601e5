"""A made-up case: one clear winner, one close call, one undecided. Nothing was measured anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import nbformat
from synthetic_findings import (
    ABSENT,
    ATTEMPTS,
    DIGEST,
    FUNCTIONAL,
    MEASURED,
    RUN,
    RUNTIMES,
    SITE,
    STARTED,
    WHY_ABSENT,
    Findings,
)

from evaluation.decide.criteria import Criteria
from evaluation.decide.prosandcons import pros_and_cons
from evaluation.model import (
    CONTROL,
    CriterionRow,
    Finding,
    Missing,
    Outcome,
    Score,
    SiteDecision,
    Standing,
    UseCaseDecision,
    Verdict,
)
from evaluation.report import chapters
from evaluation.report.source import Case, SiteCase
from evaluation.sites import Batch, Fact, Site
from evaluation.store import FormFacts, HostFacts, ImageFacts, Manifest, RuntimeFacts

NOTEBOOK: Final = Path(__file__).parents[2] / "notebooks" / "90_decision.ipynb"
FINISHED: Final = "2026-11-14T09:20:44+00:00"
UNKNOWN: Final = Score(value=None, low=0.0, high=1.0)
SCORES: Final = {
    "apptainer-sandbox": 0.81,
    "charliecloud": 0.74,
    "apptainer": 0.62,
    "podman": 0.58,
    "docker": 0.44,
}
ANSWERS: Final = {
    "l1proc": (
        Standing.RECOMMENDED,
        "apptainer-sandbox is recommended for L1Proc, ahead of charliecloud.",
        0.97,
    ),
    "end_user": (
        Standing.TOO_CLOSE,
        "Too close to call for End user: a small change of weights turns the order round.",
        0.61,
    ),
    "developer": (
        Standing.UNDECIDED,
        "Undecided for Developer: missing evidence could put either first.",
        0.55,
    ),
}
STORIES: Final = {
    "l1proc": ("L1Proc", "Automated processing of every downlink on the batch farm, many jobs at once."),
    "end_user": ("End user", "One scientist, one analysis, one image that has everything compiled."),
    "developer": ("Developer", "Mounts code at run time, compiles and debugs inside the container."),
}


def criteria() -> Criteria:
    """Three use cases over all probes, each criterion named as its probe."""

    def constant(value: object) -> dict[str, object]:
        return {"value": value, "reason": "Made up for the tests of the report.", "source": "nobody"}

    common = {"source": "nobody"}
    rows: dict[str, object] = {}
    for probe, (question, unit, _) in MEASURED.items():
        falls = unit == "s"
        rows[probe] = common | {
            "figure": "ratio",
            "question": question,
            "group": "performance",
            "probe": probe,
            "direction": "minimise" if falls else "maximise",
            "unit": "1",
            "scale": {
                "worst": 100.0 if falls else 0.1,
                "best": 1.0,
                "spacing": "log",
                "reason": "made up",
            },
        }
    for probe in (*FUNCTIONAL, *ATTEMPTS):
        rows[probe] = common | {
            "figure": "outcome",
            "question": FUNCTIONAL.get(probe) or ATTEMPTS[probe][1],
            "group": "security" if probe in ATTEMPTS else "operations",
            "probe": probe,
            "outcomes": {Outcome.HOLDS: 1.0, Outcome.FAILS: 0.0, Outcome.UNSUPPORTED: 0.0},
            "reason": "made up",
        }
    weights = {name: float(10 - place % 7) for place, name in enumerate(rows)}
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
                "promethee_indifference": constant(0.02),
                "promethee_preference": constant(0.3),
            },
            "words": (
                {"word": "adopt", "standings": (Standing.RECOMMENDED, Standing.TIED), "reason": "made up"},
                {"word": "assess", "standings": tuple(Standing), "reason": "made up"},
            ),
            "criteria": rows,
            "use_cases": {
                name: {"title": title, "story": story, "weights": weights}
                for name, (title, story) in STORIES.items()
            },
        }
    )


def decision(found: Sequence[Finding], note: str) -> SiteDecision:
    """Decide by decree: `SCORES` and `ANSWERS`."""
    by_cell = {(finding.probe, finding.runtime): finding for finding in found}
    worth = {Outcome.HOLDS: 1.0, Outcome.FAILS: 0.0, Outcome.UNSUPPORTED: 0.0, Outcome.MEASURED: 0.6}
    return SiteDecision(
        site=SITE,
        run=RUN,
        rows=tuple(
            CriterionRow(
                criterion=probe,
                runtime=runtime,
                score=_score(worth[finding.outcome]) if finding.outcome in worth else UNKNOWN,
                finding=finding,
            )
            for (probe, runtime), finding in by_cell.items()
        ),
        use_cases=tuple(_answer(name, {runtime for _, runtime in by_cell}, note) for name in ANSWERS),
    )


def _answer(use_case: str, runtimes: set[str], note: str) -> UseCaseDecision:
    standing, answer, p_first = ANSWERS[use_case]
    wins = standing is Standing.RECOMMENDED
    field = [name for name in SCORES if name in runtimes]
    verdicts = [
        Verdict(
            site=SITE,
            use_case=use_case,
            runtime=runtime,
            standing=standing if place == 0 or (place == 1 and not wins) else Standing.BEHIND,
            score=_score(SCORES[runtime]),
            p_first=p_first if place == 0 else (1 - p_first) / 4,
        )
        for place, runtime in enumerate(field)
    ]
    if wins and field:
        reason = "host_root_identity fails: the program inside is root on the host" + note
        verdicts[-1] = replace(verdicts[-1], standing=Standing.KNOCKED_OUT, p_first=0.0, reasons=(reason,))
    verdicts.append(
        Verdict(
            site=SITE,
            use_case=use_case,
            runtime=ABSENT,
            standing=Standing.NOT_MEASURED,
            score=UNKNOWN,
            p_first=None,
            reasons=(f"not measured: {WHY_ABSENT}{note}",),
        )
    )
    return UseCaseDecision(
        site=SITE,
        use_case=use_case,
        answer=answer + note,
        brief=answer + note,
        asides=("docker is knocked out.",) if wins else (),
        winner=field[0] if wins and field else None,
        verdicts=tuple(verdicts),
        measure_next=()
        if wins
        else (
            Missing(what="import_storm for podman" + note),
            Missing(what="cold_start, measured for longer"),
        ),
    )


def _score(value: float) -> Score:
    return Score(value=value, low=max(value - 0.05, 0), high=min(value + 0.05, 1))


def manifest(runtimes: Sequence[str], note: str = "", label: str = "") -> Manifest:
    """A manifest with every field."""
    return Manifest(
        site=SITE,
        run=RUN,
        profile="quick",
        seed=20261114,
        plan="7b" * 32,
        tool_version="0.1.0",
        started_at=STARTED,
        measured_as="evaluator (uid 1001)",
        as_root=True,
        label=label,
        host=HostFacts(
            system="Debian GNU/Linux 12 (bookworm)",
            kernel="6.18.0",
            architecture="x86_64",
            cpu="A made-up CPU",
            cores=2,
            memory_bytes=8_200_000_000,
            cgroup="hybrid: cpu, memory",
            virtualisation="kvm",
            mitigations="default",
            lsm="apparmor",
        ),
        runtimes=tuple(_runtime(runtime, note) for runtime in runtimes),
        image=ImageFacts(
            name="evaluation:1",
            recipe="images/evaluation/Containerfile",
            recipe_sha256="c4" * 32,
            digest=DIGEST,
            tar_bytes=216_000_000,
            build_s=41.5,
            packages=("python3",),
            forms=tuple(
                FormFacts(
                    runtime=runtime,
                    form="directory",
                    reference="/images/evaluation",
                    size_bytes=180_000_000,
                    convert_s=3.9,
                    digest=DIGEST,
                )
                for runtime in runtimes
                if runtime not in {ABSENT, CONTROL}
            ),
        ),
    )


def _runtime(runtime: str, note: str) -> RuntimeFacts:
    family = runtime.split("-", maxsplit=1)[0]
    if runtime == ABSENT:
        return RuntimeFacts(id=runtime, family=family, mode="setuid", present=False, reason=WHY_ABSENT + note)
    return RuntimeFacts(
        id=runtime,
        family=family,
        mode="unprivileged, user namespace" + note,
        present=True,
        version="1.2.3",
        command=f"/usr/bin/{runtime}",
        options=("--network", "host"),
        security=("seccomp", "apparmor"),
    )


def sites(note: str = "") -> dict[str, Site]:
    """One measured site and two that only are known of."""
    batch = Batch(engine="unknown", reason="Made up.")
    facts = (
        Fact(
            topic="batch system" + note,
            statement="A made-up statement about the batch system of this site." + note,
            source="A made-up page, section Pipeline" + note,
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
    return {
        SITE: Site(id=SITE, title="This machine", status="measured-here", batch=batch),
        "slac": Site(id="slac", title="SLAC" + note, status="declared-only", facts=facts, batch=batch),
        "cc-in2p3": Site(
            id="cc-in2p3", title="CC-IN2P3", status="declared-only", facts=facts[:1], batch=batch
        ),
    }


def make_case(
    *,
    runtimes: Sequence[str] = RUNTIMES,
    blocks: int = 30,
    transcript: str = "",
    note: str = "",
    label: str = "",
    finished_at: str = FINISHED,
) -> Case:
    """Make a case; ``transcript`` is printed by every process and ``note`` ends every other text."""
    rules = criteria()
    found = Findings(runtimes=runtimes, blocks=blocks, transcript=transcript, note=note)
    decided = decision(found.items, note)
    return Case(
        criteria=rules,
        sites=sites(note),
        measured=(
            SiteCase(
                manifest=manifest(runtimes, note, label),
                folder=f"{SITE}/{RUN}",
                finished_at=finished_at,
                findings=tuple(found.items),
                evidence=found.processes,
                outputs=found.blobs,
                decision=decided,
                points=pros_and_cons(rules, decided),
            ),
        ),
    )


def executed(case: Case) -> nbformat.NotebookNode:
    """The decision notebook as it is after its execution for this case."""
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        call, _, rest = cell.source.partition("(")
        if cell.cell_type == "code" and rest == "case)":
            chapter = getattr(chapters, call.removeprefix("chapters."))(case)
            data = {"text/html": chapter.html, "text/plain": repr(chapter)}
            cell.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=1)]
    return notebook
