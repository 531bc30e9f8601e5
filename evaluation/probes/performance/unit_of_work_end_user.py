"""How long a step of an analysis takes, done as a whole at a reduced size."""

from evaluation.probes.unitofwork import Size, unit_of_work

PROBE = unit_of_work(
    "unit_of_work_end_user",
    "a step of an interactive analysis",
    Size(opens=2_000, calls=50_000, rounds=5_000_000),
)
