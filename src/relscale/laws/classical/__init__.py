"""The classical scaling laws of one domain's loss, one module per law.

Read `form` (what a law is), then `fitting` (how any of them is fitted) and `fitted` (its results,
and whether the data identify them).
"""
