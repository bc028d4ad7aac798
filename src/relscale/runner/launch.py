"""Snakemake's command line with the logger of `relscale run`.

`python -m relscale.runner.launch` takes the options of `snakemake`. The logger is registered here,
since Snakemake looks for loggers among top-level packages only.
"""

import signal
import sys


def main() -> None:
    """Register the logger and call Snakemake."""
    # A shell starts background jobs with SIGINT ignored. Here it is the signal to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from snakemake.cli import main as snakemake
    from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

    from relscale.runner import logger_plugin

    LoggerPluginRegistry().register_plugin(logger_plugin.MODULE, logger_plugin)
    snakemake(sys.argv[1:])


if __name__ == "__main__":
    main()
