"""Benchmarks: side by side with what they are compared to, in one run, as ratios."""
