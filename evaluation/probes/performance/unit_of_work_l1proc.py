"""How long a short batch job of the pipeline takes, done as a whole at a reduced size."""

from evaluation.probes.unitofwork import Size, unit_of_work

PROBE = unit_of_work(
    "unit_of_work_l1proc",
    "a job of L1Proc",
    Size(opens=5_000, calls=100_000, rounds=20_000_000),
)
