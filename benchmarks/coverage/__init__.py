"""Coverage of the intervals, size of the tests and power, on simulated families.

Each simulated suite has one or more corpora, a score that places the optimum, a baseline and
several treatments. Noise: every run has its own, shared by score and domains; every run and domain
has its own; and, as a scenario says, every budget and domain, every data order and domain (a smooth
function of the tokens read), and every domain's items, whose errors start and fall at their own
pace. The truth is dbeta of the line through the true gaps at the true optima of the budgets, for
infinitely many items.

`scenarios` declares the truths, designs and noises, `truth` computes the true slopes, `simulation`
draws a suite and fits it, and `tally` adds suites up to a row of `benchmarks/coverage.csv`.
"""
