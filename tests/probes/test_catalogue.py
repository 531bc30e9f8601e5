import subprocess
import sys
from pathlib import Path

from evaluation.probes.catalogue import render
from evaluation.probes.registry import GROUPS, discover, group_of

PAGE = Path(__file__).parents[2] / "docs" / "probes.md"


def test_the_committed_page_is_current() -> None:
    probes = discover().values()
    page = render({group: [probe for probe in probes if group_of(probe.id) == group] for group in GROUPS})
    assert page == PAGE.read_text(encoding="utf-8")


def test_the_command_on_the_page_writes_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evaluation.probes.catalogue"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PAGE.parents[1],
    )
    assert done.stdout == PAGE.read_text(encoding="utf-8")


def test_an_attempt_that_is_asked_several_times_is_not_judged_by_how_often() -> None:
    often = {
        probe.id: render({group_of(probe.id): [probe]}) for probe in discover().values() if probe.turns > 1
    }
    shares = {id_ for id_, page in often.items() if "judged by how often it held" in page}
    once = {
        id_ for id_, page in often.items() if "asked 3 times of what is ranked; one effect exposes" in page
    }
    assert once == {id_ for id_ in often if discover()[id_].checklist_id} == {"host_process_signalling"}
    assert shares == {*often} - once


def test_every_word_of_a_probe_is_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for probe in discover().values():
        for text in (
            f"`{probe.id}`",
            probe.question,
            probe.why,
            probe.method,
            probe.remedy,
            probe.checklist_id,
            f"**{probe.severity}**. {probe.severity_reason}" if probe.severity else "",
        ):
            assert text in page
        for reference in probe.references:
            assert f"[{reference.title}]({reference.url})" in page
