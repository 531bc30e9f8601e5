"""How long a round of development takes, done as a whole at a reduced size."""

from evaluation.probes.unitofwork import Size, unit_of_work

PROBE = unit_of_work(
    "unit_of_work_developer",
    "a round of editing, compiling and running",
    Size(opens=10_000, calls=100_000, rounds=5_000_000),
)
