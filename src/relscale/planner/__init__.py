"""Plan experiments before anything is trained, one module per question.

`power_of_design` and `menu`: which suite shows a slope, and what it costs (`plan design`).
`next_model`: what to train for a budget (`plan next`). `registered` and `scored`: predictions that
are written down before a model is trained, and their scores (`plan predict`, `plan score`).
`added_run`: which run to add to a suite (`plan add`).
"""
