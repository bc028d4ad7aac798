"""Law tables: one module per table, so that a stage depends only on the tables it uses."""
