"""Contrasts between suites: the runs of two corpora compared on one domain at matched compute.

`relscale.laws.suite_contrasts.fit.fit_suite_contrasts` fits them to a losses table. The other
modules are its steps: `matched` pairs the budgets, `side` reads each suite at its own optima,
`law` fits the gap of the two, and `items` gives the noise of items that score both suites.
"""
