"""The programs and their advisories in the security chapter."""

from __future__ import annotations

from dataclasses import replace

from synthetic_case import make_case

from evaluation.decide.supply import Advisories
from evaluation.manifest import ProgramFacts
from evaluation.report.chapters.security import security

TABLE = Advisories.model_validate(
    {
        "checked": "2000-01-01",
        "advisories": tuple(
            {"id": id_, "component": "runc", "what": "It lets out.", "fixed": ("1.2",), "source": "a test"}
            for id_ in ("CVE-2000-0001", "CVE-2000-0002")
        ),
    }
)
RUNC = ProgramFacts(
    component="runc", version="1.1<b>", package="runc", changelog_read=True, mentioned=("CVE-2000-0001",)
)


def chapter(*programs: ProgramFacts, advisories: Advisories | None = TABLE) -> str:
    case = make_case(blocks=3)
    (site,) = case.measured
    site = replace(site, manifest=site.manifest.model_copy(update={"programs": programs}))
    return security(replace(case, measured=(site,), advisories=advisories)).html


def test_every_program_tells_its_answers_the_unsettled_first() -> None:
    page = chapter(RUNC)
    assert "1 fixed, 1 unknown" in page
    assert "last checked on 2000-01-01" in page
    assert page.index("CVE-2000-0002") < page.index("CVE-2000-0001")
    assert "mentions it" in page
    assert "1.1<b>" not in page


def test_a_program_of_no_package_below_the_fix_is_affected() -> None:
    page = chapter(ProgramFacts(component="runc", version="1.1"))
    assert "2 affected" in page
    assert "of no package" in page


def test_what_is_missing_is_said() -> None:
    assert "This run recorded no programs" in chapter()
    assert "The project has no table of advisories" in chapter(RUNC, advisories=None)
    assert "none in the table" in chapter(ProgramFacts(component="conmon", version="2.1"))
