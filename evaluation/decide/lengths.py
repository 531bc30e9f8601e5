"""Short and long units of work as scenarios: the time lost in each, all else as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from evaluation.decide.criteria import Criteria, LossCriterion
from evaluation.decide.scenarios import Length, Lookup
from evaluation.model import Loss, Score
from evaluation.units import lasting

__all__ = ["ENDS", "length_score", "lengths_of"]

ENDS = (("short", 0), ("long", -1))
"""The two ends of a declared length, with their places in `Loss.lengths`."""


def length_score(loss: Loss, place: int, criterion: LossCriterion) -> Score:
    """Score the time lost of a unit of another length: a range where a part of it is not known."""
    _, share = loss.lengths[place]
    if loss.seconds is None:
        low, high = criterion.scale.score(share.high), criterion.scale.score(share.low)
        return Score(value=None, low=low, high=high)
    at = criterion.scale.score(share.estimate)
    return Score(value=at, low=at, high=at)


def lengths_of(
    criteria: Criteria, use_case: str, weights: Mapping[str, float], losses: Iterable[Loss], score: Lookup
) -> tuple[Length, ...]:
    """Give the short and the long unit of a use case; none where the time it loses has no weight.

    Parameters
    ----------
    criteria : Criteria
        For the scale, and for what a unit is called.
    use_case : str
        Its name.
    weights : mapping of str to float
        Points per criterion id.
    losses : iterable of Loss
        Of this use case.
    score : callable
        ``score(criterion, runtime)`` of everything else.
    """
    work, loss = criteria.use_cases[use_case].work, criteria.loss
    lost = {each.runtime: each for each in losses}
    if work is None or loss is None or not lost or not weights.get(loss[0]):
        return ()
    name, criterion = loss

    def lookup(place: int) -> Lookup:
        at = {runtime: length_score(each, place, criterion) for runtime, each in lost.items()}
        return lambda asked, runtime: (
            at[runtime] if asked == name and runtime in at else score(asked, runtime)
        )

    (some, *_) = lost.values()
    found = []
    for word, place in ENDS:
        told = f"{lasting(some.lengths[place][0])} of computing in each {work.unit}"
        found.append(
            Length(
                name=word,
                title=told,
                condition=f"with {told}",
                turns_on=f"how long the computing of each {work.unit} lasts",
                score=lookup(place),
            )
        )
    return tuple(found)
