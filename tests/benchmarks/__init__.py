"""How fast the techniques and the job are: ``python -m tests.benchmarks`` writes docs/benchmarks.md and its plot."""
