"""The designs of a menu in words: a table to decide from, the decision, the assumptions."""

from collections.abc import Sequence

import pandas as pd

MOST_ROWS = 20
"""Rows of the printed table; `--out` writes all."""
HEAD = (
    f"{'budgets':>7} {'range':>8} {'sizes':>7} {'seeds':>7} {'items':>8} {'runs':>6} "
    f"{'train h':>9} {'eval h':>8} {'half-width':>10} {'power':>6} {'(low)':>6}  dominates"
)


def summary_of(
    table: pd.DataFrame,
    best: int,
    doubled: int | None,
    power: float,
    assumptions: Sequence[str],
) -> str:
    """Return the summary of a menu, ending with a line feed.

    Args:
        table: rows of `relscale.planner.menu.DESIGN`, by rising cost.
        best: row of the cheapest design that has the wanted power.
        doubled: row of the best design for twice its cost; None where there is none.
        power: wanted power.
        assumptions: one sentence each.
    """
    front = table[table["pareto"]]
    shown = front if len(front) <= MOST_ROWS else front.iloc[:MOST_ROWS]
    lines = [
        f"{len(table)} designs, {len(front)} of them not beaten by a cheaper one"
        + (f"; the cheapest {MOST_ROWS} of these:" if len(shown) < len(front) else ":"),
        HEAD,
        *(_line(row) for _, row in shown.iterrows()),
        "",
        _decision(table.iloc[best], power),
        _doubling(table, best, doubled),
        "",
        "Assumed:",
        *(f"- {each}" for each in assumptions),
    ]
    return "\n".join(lines) + "\n"


def words_of(row: pd.Series) -> str:
    """Return a design in words."""
    return (
        f"budgets {row['ladder']}, {row['sizes']} sizes, {row['seeds']} seed(s), "
        f"{row['item_bytes']:.3g} bytes of items per domain"
    )


def _line(row: pd.Series) -> str:
    """Return a design as a line of the table."""
    budgets = [float(word) for word in row["ladder"].split(",")]
    return (
        f"{len(budgets):>7} {f'{budgets[-1] / budgets[0]:.3g}x':>8} {row['sizes']:>7} "
        f"{row['seeds']:>7} {row['item_bytes']:>8.3g} {row['runs']:>6} "
        f"{row['training_hours']:>9.3g} {row['evaluation_hours']:>8.2g} "
        f"{row['half_width']:>10.2g} {row['power']:>6.2f} {row['power_low']:>6.2f}  "
        f"{row['dominates']}"
    )


def _decision(row: pd.Series, power: float) -> str:
    """Return the cheapest design with the wanted power in words."""
    return (
        f"The cheapest design with {power:.0%} power: {words_of(row)}: {row['runs']} runs, "
        f"{_cost(row)}, power {row['power']:.2f}, dbeta known to +-{row['half_width']:.2g}; most "
        f"of its variance is from {row['dominates']}."
    )


def _doubling(table: pd.DataFrame, best: int, doubled: int | None) -> str:
    """Return the best design for twice the cost in words."""
    if doubled is None:
        return "For at most twice the cost the menu has no design with a smaller half-width."
    row, first = table.iloc[doubled], table.iloc[best]
    return (
        f"For at most twice the cost: {words_of(row)}: {_cost(row)}, power {row['power']:.2f} "
        f"instead of {first['power']:.2f}, half-width {row['half_width']:.2g} instead of "
        f"{first['half_width']:.2g}."
    )


def _cost(row: pd.Series) -> str:
    """Return the cost of a design in words."""
    money = "" if pd.isna(row["money"]) else f" ({row['money']:,.3g} at the price)"
    return (
        f"{row['training_hours']:,.3g} device-hours of training and "
        f"{row['evaluation_hours']:,.2g} of evaluation{money}"
    )
