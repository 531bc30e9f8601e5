"""The inventory: every row and mark of the page, and every fault of the file with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.decide.criteria import load_criteria
from evaluation.errors import FaultyDocumentError
from evaluation.images.recipe import list_images
from evaluation.inventory import COLUMNS, Inventory, load_inventory

ROOT = Path(__file__).parents[1]
FILE = ROOT / "inventory.yaml"


def shipped() -> Inventory:
    rules = load_criteria(ROOT / "criteria.yaml")
    return load_inventory(
        FILE, criteria=rules.criteria, use_cases=rules.use_cases, images=list_images(ROOT / "images")
    )


def faults(tmp_path: Path, old: str, new: str, **known: tuple[str, ...]) -> list[str]:
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "inventory.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FaultyDocumentError) as caught:
        load_inventory(path, **known)
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in caught.value.faults]


def line_of(text: str) -> int:
    return FILE.read_text().splitlines().index(text) + 1


def test_every_row_of_the_page_is_there_in_its_order() -> None:
    assert [package.name for package in shipped().packages] == [
        "FastCopy", "Halfpipe", "Isoc Monitoring", "GlastRelease", "DataMonitoring", "ScienceTools", "ASP",
    ]  # fmt: skip


def test_every_mark_of_the_page_is_kept() -> None:
    said = " ".join(cell.said for package in shipped().packages for cell in package.row.cells().values())
    marks = {mark: said.count(mark) for mark in ("(error)", "(tick)", "??", "!?", "NA")}
    assert marks == {"(error)": 7, "(tick)": 1, "??": 1, "!?": 1, "NA": 2}


def test_every_field_of_the_page_has_a_reading() -> None:
    for package in shipped().packages:
        assert list(package.row.cells()) == list(COLUMNS.values())
        for cell in package.row.cells().values():
            assert cell.said or cell.reading == "not said"


def test_what_a_package_needs_covers_what_the_page_worries_about() -> None:
    needs = {need.criterion or need.image for package in shipped().packages for need in package.needs}
    assert needs >= {
        "legacy_vsyscall", "legacy_32bit", "legacy_uname", "qt_offscreen", "database_access",
        "build_and_debug", "padded", "large",
    }  # fmt: skip


def test_a_mark_that_is_dropped_from_a_cell_is_a_fault_at_the_row(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "{said: unlikely (error), reading", "{said: unlikely, reading")
    line = next(
        number
        for number, text in enumerate(FILE.read_text().splitlines(), 1)
        if 'verbatim: "Halfpipe' in text
    )
    assert fault.startswith(
        f"{line}:15: the name and cells of this row give 'HalfpipeRHEL6RHEL6Commercial Qt !?unlikely"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("- criterion: legacy_32bit", "- criterion: legacy_33bit", "unknown criterion 'legacy_33bit'"),
        ("- image: padded", "- image: paded", "unknown image 'paded'; did you mean 'padded'?"),
        ("use_case: l1proc", "use_case: l1prok", "unknown use case 'l1prok'; did you mean 'l1proc'?"),
    ],
)
def test_a_name_that_is_none_is_a_fault_at_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    rules = load_criteria(ROOT / "criteria.yaml")
    (fault,) = faults(
        tmp_path, old, new,
        criteria=tuple(rules.criteria), use_cases=tuple(rules.use_cases), images=list_images(ROOT / "images"),
    )  # fmt: skip
    assert message in fault
    line = next(number for number, text in enumerate(FILE.read_text().splitlines(), 1) if old in text)
    assert fault.startswith(f"{line}:")


def test_a_package_stands_there_once_and_needs_a_thing_once(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "  - id: asp\n", "  - id: fastcopy\n")
    assert "'fastcopy' stands above already" in fault
    assert fault.startswith(f"{line_of('  - id: asp')}:")
    (fault,) = faults(tmp_path, "- criterion: legacy_32bit", "- criterion: legacy_vsyscall")
    assert "is needed above already" in fault


def test_a_need_names_one_thing_and_no_key_is_unknown(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "- image: padded", "- image: padded\n        criterion: debugger")
    assert "exactly one of criterion and image" in fault
    found = faults(tmp_path, "special_dependencies:\n        said", "special_dependency:\n        said")
    assert any("special_dependency" in fault for fault in found)
