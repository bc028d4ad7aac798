"""Everything that the rule files call: the planned experiment, places, specs and job resources.

Read `experiment.py` first (settings and runs), then `layout.py` (keys and places of results) and a
spec module such as `law_specs.py`. All functions are pure and their imports are light:
Snakemake loads this package whenever it plans.
"""
