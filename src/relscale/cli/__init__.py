"""The `relscale` command: one module per sub-command.

Each sub-command imports its modules when it is called, so that `relscale --help` is fast. No stage
imports this package, and it imports no stage.
"""

from typing import Annotated

import typer

from relscale.cli.archive import archive
from relscale.cli.certify import certify
from relscale.cli.compare import compare
from relscale.cli.convert import convert
from relscale.cli.corpus import corpus
from relscale.cli.crate import crate
from relscale.cli.doctor import doctor
from relscale.cli.evaluate import evaluate
from relscale.cli.experiments import experiments
from relscale.cli.explain import explain
from relscale.cli.help_text import help_of
from relscale.cli.init import init
from relscale.cli.laws import laws
from relscale.cli.plan_group import plan_group
from relscale.cli.publish import publish
from relscale.cli.run import WithFurtherOptions, run
from relscale.cli.table import table
from relscale.cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
COMMANDS = (
    init, doctor, experiments, convert, evaluate, compare, laws, explain, verify, certify, archive,
    crate, publish,
)  # fmt: skip
NUMBERS = {"ignore_unknown_options": True}
"""Settings of commands whose argument may be a negative number, which looks like an option."""
for command in COMMANDS:
    settings = NUMBERS if command is explain else None
    app.command(context_settings=settings, help=help_of(command))(command)
app.command(cls=WithFurtherOptions, help=help_of(run))(run)
app.add_typer(plan_group, name="plan")
app.add_typer(table, name="table")
app.add_typer(corpus, name="corpus")


def _print_version(asked: bool) -> None:
    if asked:
        import relscale

        typer.echo(f"relscale {relscale.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Measure how gaps between test domains change with training compute."""


def main() -> None:
    """Run the command; an error in the user's input ends it with one line."""
    from relscale.runtime import user_errors

    with user_errors():
        app()
