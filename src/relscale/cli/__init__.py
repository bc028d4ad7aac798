"""The `relscale` command: one module per sub-command.

Each sub-command imports its modules when it is called, so that `relscale --help` is fast. No stage
imports this package, and it imports no stage.
"""

import typer

from relscale.cli.archive import archive
from relscale.cli.certify import certify
from relscale.cli.evaluate import evaluate
from relscale.cli.laws import laws
from relscale.cli.plan import plan
from relscale.cli.publish import publish
from relscale.cli.table import table
from relscale.cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measure how gaps between test domains change with training compute.",
)
for command in (plan, evaluate, laws, verify, certify, archive, publish):
    app.command()(command)
app.add_typer(table, name="table")


def main() -> None:
    """Run the command; an error in the user's input ends it with one line."""
    from relscale.runtime import user_errors

    with user_errors():
        app()
