"""Where the evidence of a cell stands in the page: cells that came to the same have one place.

Names are short, because a page has thousands of them: numbers of the site, the probe and the runtime.
"""

from __future__ import annotations

from collections.abc import Hashable

from evaluation.model import CONTROL, Delta, Finding, Outcome
from evaluation.report.source import Case, SiteCase
from evaluation.report.words import state

__all__ = ["Places", "delta_of"]


def delta_of(finding: Finding) -> Delta | None:
    """Tell what an attempt's runtime changes; ``None`` for the bare host, and for what is no attempt."""
    if finding.runtime == CONTROL or not finding.texts.checklist_id:
        return None
    if finding.outcome not in {Outcome.HOLDS, Outcome.FAILS}:  # what shows nothing shows no difference
        return Delta.UNKNOWN
    return finding.delta or Delta.UNKNOWN


class Places:
    """Element ids for the cells of a case.

    A probe that was put to nobody at a site has one place there for all runtimes.
    """

    def __init__(self, case: Case) -> None:
        self._codes = {site.folder: f"s{number}" for number, site in enumerate(case.measured)}
        self._probes: dict[tuple[str, str], int] = {}
        self._cells: dict[tuple[str, str, str], str] = {}
        self._own: dict[tuple[str, str, str], str] = {}
        firsts: dict[Hashable, str] = {}
        for site in case.measured:
            self._probes |= {(site.folder, probe): number for number, probe in enumerate(site.probes)}
            left_out = {probe for probes in site.left_out.values() for probe in probes}
            runtimes = {runtime: number for number, runtime in enumerate(site.runtimes)}
            for (probe, runtime), finding in site.cells.items():
                own = f"{self.probe(site, probe)}-{runtimes[runtime]}"
                place = (
                    self.probe(site, probe)
                    if probe in left_out
                    else firsts.setdefault(_same(finding, own), own)
                )
                self._cells[site.folder, probe, runtime] = place
                if runtime in site.ranked and runtime != CONTROL and probe not in left_out:
                    self._own[site.folder, probe, runtime] = own

    def probe(self, site: SiteCase, probe: str) -> str:
        """Name the place of a whole probe at a site."""
        return f"{self._codes[site.folder]}-{self._probes[site.folder, probe]}"

    def cell(self, site: SiteCase, probe: str, runtime: str) -> str:
        """Name the place of one probe in one runtime; empty where there is no finding."""
        return self._cells.get((site.folder, probe, runtime), "")

    def own(self, site: SiteCase, probe: str, runtime: str) -> str:
        """Name the place of one ranked runtime in there; the whole place for what has none of its own."""
        return self._own.get((site.folder, probe, runtime)) or self.cell(site, probe, runtime)


def _same(finding: Finding, own: str) -> Hashable:
    """Two findings with the same answer to this came to the same; one with a value of its own never does."""
    alone = own if finding.value or finding.samples else ""
    return finding.probe, state(finding).word, delta_of(finding), finding.message, alone
