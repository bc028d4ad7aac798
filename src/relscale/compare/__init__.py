"""Two models, runs or corpora on the same items: paired differences with intervals and tests.

Read `run.compare` first; `variance` has the statistics.
"""
