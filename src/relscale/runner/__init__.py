"""Running an experiment with one progress display (`relscale run`).

`events` are the reports of Snakemake, `progress` is the state that they lead to and the time left,
`report_lines` has the sentences about it. `call` starts Snakemake, `display` shows the state.
"""
