"""What `criteria.yaml` owes its reviewers beyond being readable: told by `evaluation validate`.

None of it stops a measurement or a decision: a reviewer may try weights that do not add up yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from evaluation.decide.criteria import Criteria
from evaluation.documents import Complaint
from evaluation.yamltree import Document, Json

__all__ = ["NO_WEIGHT", "lost_vetoes", "owed", "totals"]

_FEWEST, _MOST = 2, 6
"""So many objectives a use case weighs."""

NO_WEIGHT = ("no weight", "cannot weigh")
"""Words, one of which the reason of a criterion has that no use case weighs."""


def owed(document: Document) -> Iterator[Complaint]:
    """Say what is missing: points that add up, reasons beside weights, and why a criterion is not weighed."""
    for use_case, (total, wanted) in totals(document).items():
        yield Complaint(
            location=("use_cases", use_case, "weights"),
            message=f"should add up to {wanted:g}, as 'points' says, and adds up to {total:g}",
            at_key=True,
        )
    yield from _reasons(document)
    yield from _unweighed(document)
    yield from _too_many(document)


def totals(document: Document) -> dict[str, tuple[float, float]]:
    """Find the use cases whose weights are not so many points as the file says: theirs, and the file's."""
    wanted = document.value("points", "value")
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        return {}
    found = {}
    for use_case in document.mapping("use_cases"):
        weights = document.mapping("use_cases", use_case, "weights").values()
        numbers = [each for each in weights if isinstance(each, int | float) and not isinstance(each, bool)]
        total = math.fsum(numbers)
        if len(numbers) == len(weights) and not math.isclose(total, wanted, rel_tol=1e-9):
            found[use_case] = (total, float(wanted))
    return found


def lost_vetoes(before: Criteria, after: Criteria) -> Iterator[str]:
    """Say which knock-outs a change has dropped: a block that is gone is seldom meant, and lets everybody in.

    A use case that is gone as a whole is no lost knock-out.
    """
    for name, use_case in before.use_cases.items():
        if name not in after.use_cases:
            continue
        kept = {veto.criterion for veto in after.use_cases[name].knock_outs}
        if gone := [veto.criterion for veto in use_case.knock_outs if veto.criterion not in kept]:
            what = "all its knock-outs" if not kept else "knock-outs"
            yield f"{name} has lost {what}: {', '.join(dict.fromkeys(gone))}"


def _reasons(document: Document) -> Iterator[Complaint]:
    places: list[tuple[str, ...]] = [
        ("objectives", name, "shares") for name in document.mapping("objectives")
    ]
    for use_case in document.mapping("use_cases"):
        places.append(("use_cases", use_case, "weights"))
        own = document.mapping("use_cases", use_case, "shares")
        places += [("use_cases", use_case, "shares", name, "shares") for name in own]
    for here in places:
        for name in document.mapping(*here):
            line, _ = document.values.get((*here, name), (0, 0))
            if line and "#" not in document.lines[line - 1]:
                message = "should have its reason beside it, behind a #"
                yield Complaint(location=(*here, name), message=message, at_key=True)


def _too_many(document: Document) -> Iterator[Complaint]:
    """Say where a use case weighs fewer or more objectives than a committee can hold against each other."""
    objectives = document.mapping("objectives")
    for use_case in document.mapping("use_cases") if objectives else ():
        weights = document.mapping("use_cases", use_case, "weights")
        weighed = {
            objective
            for objective in objectives
            if {objective, *document.mapping("objectives", objective, "shares")} & {*weights}
        }
        if not _FEWEST <= len(weighed) <= _MOST:
            message = f"should weigh {_FEWEST} to {_MOST} objectives, and weighs {len(weighed)}"
            yield Complaint(location=("use_cases", use_case, "weights"), message=message, at_key=True)


def _unweighed(document: Document) -> Iterator[Complaint]:
    used: set[object] = set()
    for use_case in document.mapping("use_cases"):
        used |= set(document.mapping("use_cases", use_case, "weights"))
        rows = _listed(document, "use_cases", use_case, "knock_outs")
        used |= {row.get("criterion") for row in rows if isinstance(row, dict)}
    for objective in used & set(document.mapping("objectives")):
        used |= set(document.mapping("objectives", str(objective), "shares"))
    for name in document.mapping("criteria"):
        place = (
            ("criteria", name, "scale") if document.mapping("criteria", name, "scale") else ("criteria", name)
        )
        reason = document.value(*place, "reason")
        if name not in used and isinstance(reason, str) and not any(word in reason for word in NO_WEIGHT):
            message = f"should say why no use case weighs it, with the words '{NO_WEIGHT[0]}'"
            yield Complaint(location=(*place, "reason"), message=message, at_key=True)


def _listed(document: Document, *location: str) -> list[Json]:
    found = document.value(*location)
    return found if isinstance(found, list) else []
