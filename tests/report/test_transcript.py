"""What a terminal shows of one probe: the question, both sides, the verdict, the delta, the severity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_run import manifest
from synthetic_checklist import Checklist
from synthetic_findings import Findings

from evaluation.model import Finding
from evaluation.report.transcript import transcript
from evaluation.store import Run, RuntimeFacts, Turn

ESCAPE = "\x1b[2J"
MADE = Checklist(printed=f"{ESCAPE}cleared\n")
PROBE = MADE.findings[0].probe
HOST, DOCKER = MADE.findings[:2]


def kept(tmp_path: Path, made: Checklist | Findings, findings: list[Finding]) -> Run:
    docker = RuntimeFacts(id="docker", family="docker", mode="", present=True, command="/usr/bin/docker")
    host = RuntimeFacts(id="host", family="host", mode="", present=True, command="/usr/bin/env")
    run = Run.create(tmp_path, manifest().model_copy(update={"runtimes": (host, docker)}))
    outputs = made.outputs if isinstance(made, Checklist) else made.blobs
    for finding in findings:
        evidence = [made.processes[identifier] for identifier in finding.evidence]
        recorded = made.recorded[finding.probe, finding.runtime] if isinstance(made, Checklist) else ()
        run.append(
            Turn(probe=finding.probe, runtime=finding.runtime, block=0),
            recorded,
            [(item, outputs[item.stdout], outputs.get(item.stderr, b"")) for item in evidence],
        )
    return run


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    findings = [HOST, replace(DOCKER, message=f"it got {ESCAPE} out")]
    return transcript(findings, kept(tmp_path_factory.mktemp("run"), MADE, findings), show=True)


def test_it_begins_with_what_is_asked_tried_and_at_stake(shown: str) -> None:
    lines = shown.splitlines()
    assert lines[0] == f"P01 {PROBE}: {HOST.texts.question}"
    assert lines[1].strip() == HOST.texts.method
    assert lines[2].strip().startswith("Severity of an exposure: high. Made up: what an exposure is worth")


def test_each_runtime_has_its_verdict_and_what_it_changes(shown: str) -> None:
    assert "\nhost               EXPOSED (the control)  made up" in shown
    assert "\ndocker             ABSENT (the runtime took this away)  it got ?[2J out" in shown


def test_both_sides_are_shown(shown: str) -> None:
    docker = shown.partition("\ndocker ")[2]
    inside, _, on_host = docker.partition("on the host, by the verifier")
    assert "$ /usr/bin/docker run --rm" in inside
    assert f'stdout: {{"what": "{PROBE}"' in inside
    assert "the attempt's effect: no" in on_host
    assert "turn/planted" in on_host.split("$ ")[1]
    for identifier in DOCKER.evidence:
        assert f"exit status 0, 354\N{NO-BREAK SPACE}ms, evidence {identifier[:12]}" in docker
    host = shown.partition("\ndocker ")[0]
    assert "as a plain job, and seen by the verifier" in host


def test_what_was_printed_does_not_steer_the_terminal(shown: str) -> None:
    assert "?[2Jcleared" in shown
    assert "\x1b" not in shown


def test_without_show_there_is_a_line_for_each_runtime(tmp_path: Path) -> None:
    text = transcript([HOST, DOCKER], kept(tmp_path, MADE, [HOST, DOCKER]), show=False)
    assert text.splitlines()[4].startswith("host ")
    assert text.splitlines()[5].startswith("docker ")
    assert "$ " not in text


def test_a_long_output_is_cut_with_its_size_and_hash(tmp_path: Path) -> None:
    made = Checklist(printed="x" * 100_000)
    findings = made.findings[:1]
    text = transcript(findings, kept(tmp_path, made, findings), show=True)
    first = made.processes[findings[0].evidence[0]]
    assert f"the first 2000 characters of {first.stdout_bytes} bytes, SHA-256 {first.stdout}" in text
    assert len(text) < 10_000


def test_a_measured_probe_has_its_value_and_its_processes(tmp_path: Path) -> None:
    made = Findings(blocks=3)
    findings = [f for f in made.items if (f.probe, f.runtime) == ("cold_start", "docker")]
    text = transcript(findings, kept(tmp_path, made, findings), show=True)
    assert text.startswith("cold_start: How long")
    assert "the host" in text
    assert text.count("    $ docker run") == 3
    assert "verifier" not in text


def test_nothing_found_is_nothing_said(tmp_path: Path) -> None:
    assert transcript([], kept(tmp_path, MADE, []), show=True) == ""


def test_too_few_blocks_for_an_interval_show_their_values_and_say_so(tmp_path: Path) -> None:
    made = Findings(blocks=3)
    (finding,) = [f for f in made.items if (f.probe, f.runtime) == ("cold_start", "docker")]
    few = replace(
        finding, value=None, ratio=None, comparison=None, samples=(0.25, 0.5), control=(0.125, 0.125)
    )
    text = transcript([few], kept(tmp_path, made, [finding]), show=False).replace("\N{NO-BREAK SPACE}", " ")
    assert text.endswith(
        "250 ms, 500 ms, 2.00\N{MULTIPLICATION SIGN}, 4.00\N{MULTIPLICATION SIGN} the host "
        "(an interval takes at least 3 blocks)"
    ), text
