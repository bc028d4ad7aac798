"""The classical scaling laws of one domain's loss, one module per law.

Read `form` (what a law is), then `fitting` (how any of them is fitted and judged).
"""
