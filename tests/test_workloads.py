from pathlib import Path

import pytest

from evaluation.errors import FaultyDocumentError
from evaluation.workloads import list_workloads, load_workload

SHIPPED = Path(__file__).parents[1] / "workloads"

JOB = """\
version: 1
question: How many?
why: Because.
method: By counting.
image: small
files: job
argv: [python3, job.py]
figures:
  events: {pattern: 'events (\\d+)', low: 3, high: 3}
output: [out.txt]
hashed: [out.txt]
rate: {amount: events, unit: 1/s}
timeout_s: 10
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "job.py").write_text("")
    (tmp_path / "job" / "__pycache__").mkdir()
    return tmp_path


def faults(folder: Path, text: str) -> str:
    (folder / "job.yaml").write_text(text)
    with pytest.raises(FaultyDocumentError) as caught:
        load_workload(folder, "job", images=("small",))
    return str(caught.value)


def test_the_shipped_ones_are_well_formed_and_bring_their_script() -> None:
    names = list_workloads(SHIPPED)
    assert set(names) == {"monte_carlo", "cosmic_showers", "optical_transport", "reprocessing"}
    for name in names:
        workload = load_workload(SHIPPED, name, images=("med",))
        assert [path.name for path in workload.files] == [f"{name}.py"]
        assert workload.file.hashed, "one hash across all runtimes"


def test_a_workload_is_its_file_and_the_files_it_brings(folder: Path) -> None:
    (folder / "job.yaml").write_text(JOB)
    workload = load_workload(folder, "job", images=("small",))
    assert (workload.id, [path.name for path in workload.files]) == ("job", ["job.py"])
    assert workload.file.rate.seconds is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("image: small", "image: smal", "unknown image 'smal'; did you mean 'small'?"),
        ("files: job", "files: jobs", "there is no folder jobs beside this file"),
        ("(\\d+)", "\\d+", "should have one group, the number; it has 0"),
        ("(\\d+)", "(\\d+", "is no regular expression"),
        ("amount: events", "amount: event", "the rate is of a figure event, and there is none"),
        ("hashed: [out.txt]", "hashed: [other]", "other is hashed, but is no output"),
        ("output: [out.txt]", "output: []", "output"),
        ("output: [out.txt]", "output: [../out.txt]", "output"),
        ("timeout_s: 10", "timeout_s: 0", "timeout_s"),
    ],
)
def test_a_fault_is_named(folder: Path, old: str, new: str, message: str) -> None:
    assert old in JOB
    assert message in faults(folder, JOB.replace(old, new))
