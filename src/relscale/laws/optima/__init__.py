"""Compute-optimal points: what an optimum is, and the curves that are minimised."""
