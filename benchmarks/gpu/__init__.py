"""Check and measure training and evaluation on one GPU.

`benchmarks/gpu.sh` calls it on a machine with a GPU; `__main__` has the command line and calls one
function per section: `curve` and `resume` of `checks`, `attention`, `training`, `reference` and
`evaluation`. `bench` is the device with its limits of time and size, `models` has the models that
are measured, and `table` writes the rows as Markdown.
"""
