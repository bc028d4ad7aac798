"""`relscale table`: tables of losses from other programs."""

import typer

from relscale.cli.table_import import import_files
from relscale.cli.table_inspect import inspect_file

table = typer.Typer(no_args_is_help=True, help="Read tables of losses from other programs.")
table.command("inspect")(inspect_file)
table.command("import")(import_files)
