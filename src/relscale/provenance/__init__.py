"""Staleness of results: digests, records and checksums, and how results are verified and archived.

Read `code.py` (digests of code and libraries), `checksums.py` (files that jobs read and wrote) and
`verify.py` (which compares them with the jobs that the workflow plans now). `published.py` compares
results with published ones.
"""
