"""Programs that measure; their results are in `docs/log/`."""
