"""What changed between two runs, for a terminal or a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from evaluation.decide.changed import Changed, Kind
from evaluation.decide.criteria import Criteria
from evaluation.report.source import SiteCase
from evaluation.report.text import visible
from evaluation.units import ratio, ratio_between

__all__ = ["text"]

_CLAIMED = (Kind.WORSE, Kind.BETTER, Kind.OUTCOME, Kind.GONE, Kind.NEW, Kind.NOT_COMPARABLE)


def text(found: Sequence[Changed], criteria: Criteria, old: SiteCase, new: SiteCase) -> str:
    """Lay out versions, then what is claimed to have changed, then the answers."""
    return "\n".join((*_heads(old, new), "", *_found(found), "", *_answers(criteria, old, new)))


def _heads(old: SiteCase, new: SiteCase) -> Iterator[str]:
    for word, site in (("before", old), ("after", new)):
        yield f"{word:<7} {site.folder}, {site.manifest.started_at}, profile {site.manifest.profile}"
    was = {facts.id: facts for facts in old.manifest.runtimes}
    for facts in new.manifest.runtimes:
        earlier = was.get(facts.id)
        if facts.present and earlier and earlier.present and facts.version != earlier.version:
            yield f"        {facts.id}: {visible(earlier.version)} -> {visible(facts.version)}"
    kernels = (old.manifest.host.kernel, new.manifest.host.kernel)
    if kernels[0] != kernels[1]:
        yield f"        kernel: {visible(kernels[0])} -> {visible(kernels[1])}"


def _found(found: Sequence[Changed]) -> Iterator[str]:
    for kind in _CLAIMED:
        rows = [item for item in found if item.kind is kind]
        if rows:
            yield f"{kind}:"
            yield from (f"  {item.probe}, {item.runtime}: {_said(item)}" for item in rows)
    quiet = Counter(item.kind for item in found if item.kind not in _CLAIMED)
    yield (
        f"as before, within the margin: {quiet[Kind.AS_BEFORE]}; "
        f"unresolved, more blocks would tell: {quiet[Kind.UNRESOLVED]}"
    )


def _said(item: Changed) -> str:
    if item.ratio is None:
        return visible(item.message)
    interval = ratio_between(item.ratio)
    return f"{ratio(item.ratio.estimate)} what it was ({interval}), {visible(item.message)}"


def _answers(criteria: Criteria, old: SiteCase, new: SiteCase) -> Iterator[str]:
    was = {decision.use_case: decision for decision in old.decision.use_cases}
    for decision in new.decision.use_cases:
        title, earlier = criteria.use_cases[decision.use_case].title, was[decision.use_case]
        standings = [
            {verdict.runtime: verdict.standing for verdict in each.verdicts} for each in (earlier, decision)
        ]
        moved = [
            f"{name} {standings[0].get(name, 'absent')} -> {standing}"
            for name, standing in standings[1].items()
            if standings[0].get(name) != standing
        ]
        yield f"{title}: {'; '.join(moved) if moved else 'every standing as before'}"
