"""Importers: losses that other programs wrote, as a losses table.

Read `importer` (what an importer returns), `table` (how that becomes a losses table) and one module
of `formats`.

from relscale.importers.table import import_losses
found = import_losses("olmo_ladder", [Path("ladder")])
found.frame, found.notes
"""
