"""`relscale plan`: questions to answer before anything is trained, one command each.

`relscale plan CONFIG` without the name of a command is `relscale plan suite CONFIG`.
"""

import typer
from typer.core import TyperGroup

from relscale.cli.help_text import help_of
from relscale.cli.plan import plan as suite
from relscale.cli.plan_add import add
from relscale.cli.plan_design import design
from relscale.cli.plan_next import next_
from relscale.cli.plan_predict import predict, score

SUITE = "suite"
"""Command that is taken where none is named."""


class SuiteByDefault(TyperGroup):
    """A group whose command `suite` is taken where the first word names no command."""

    default_command = SUITE
    """Name of that command."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the name of the default command in front, where no command is named."""
        known = {*self.commands, *ctx.help_option_names}
        if not args or args[0] not in known:
            args = [self.default_command, *args]
        return super().parse_args(ctx, args)


plan_group = typer.Typer(
    cls=SuiteByDefault,
    help="Plan experiments: the cost of a suite, the power of a design, the next model. Without "
    "the name of a command: `plan suite`.",
)
plan_group.command(SUITE, help=help_of(suite))(suite)
plan_group.command("design", help=help_of(design))(design)
plan_group.command("next", help=help_of(next_))(next_)
plan_group.command("predict", help=help_of(predict))(predict)
plan_group.command("score", help=help_of(score))(score)
plan_group.command("add", help=help_of(add))(add)
