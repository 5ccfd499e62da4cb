"""What kws costs, piece by piece and as a whole: `python -m benchmarks` writes docs/benchmarks.md."""
