"""Losses tables from outside: reading them through a mapping, and proposing a mapping.

Read `read.py` (the steps from a file to the losses table) and `inspect/` (the proposals) first.
"""
