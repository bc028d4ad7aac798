"""What decides whether a result is stale, and how results are verified and archived.

Read `code.py` (digests of code and libraries), `checksums.py` (files that jobs read and wrote) and
`verify.py` (which compares both with what the workflow would run now).
"""
