"""`relscale table`: tables of losses from outside."""

import typer

from relscale.cli.table_import import import_files

table = typer.Typer(no_args_is_help=True, help="Read tables of losses from other programs.")
table.command("import")(import_files)
