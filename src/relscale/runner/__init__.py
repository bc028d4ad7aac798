"""Running an experiment with one progress display (`relscale run`).

`events` is what Snakemake reports, `progress` the state that they lead to and the time left,
`report_lines` the sentences about it. `call` starts Snakemake, `display` shows the state.
"""
