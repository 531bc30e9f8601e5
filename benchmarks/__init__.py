"""What our own measuring costs, held against a loop in C and against hyperfine. No test, no pass or fail.

``python -m benchmarks`` runs everything; `docs/benchmarks.md` explains it and holds the figures.
"""
