"""`relscale table`: tables of losses from other programs."""

import typer

from relscale.cli.help_text import help_of
from relscale.cli.table_import import import_files
from relscale.cli.table_inspect import inspect_file

table = typer.Typer(no_args_is_help=True, help="Read tables of losses from other programs.")
table.command("inspect", help=help_of(inspect_file))(inspect_file)
table.command("import", help=help_of(import_files))(import_files)
