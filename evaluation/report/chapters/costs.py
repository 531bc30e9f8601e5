"""What a job costs beside its work, and from which length on that is nothing."""

from __future__ import annotations

from typing import Final

from evaluation.report.costfigure import share_plot
from evaluation.report.costing import site_costs
from evaluation.report.markup import Chapter, anchor, chapter
from evaluation.report.source import Case

__all__ = ["costs"]

LENGTHS_S: Final = (60.0, 600.0, 3600.0, 28800.0)
"""For which start-up's share is shown: a pipeline's step, an analysis, an hour, a night."""


def costs(case: Case) -> Chapter:
    """Show cost per job, the length from which start-up stops mattering, and storage, site by site."""
    model = case.costs
    if model is None:
        return chapter("costs", model=None, sites=(), constants=(), lengths=LENGTHS_S)
    found = [each for site in case.measured if (each := site_costs(case, site, model))]
    return chapter(
        "costs",
        model=model,
        lengths=LENGTHS_S,
        sites=tuple(
            (
                each,
                share_plot(
                    anchor("shares", each.title),
                    f"The most that start-up may take of a job: {each.title}",
                    each.rows,
                    model.overhead_share.value,
                ),
            )
            for each in found
        ),
        constants=tuple(
            (name.replace("_", " "), each.title, model.constant(name, each.site))
            for each in found
            for name in type(model.constants).model_fields
        ),
    )
