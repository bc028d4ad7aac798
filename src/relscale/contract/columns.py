"""Columns by name: names and words, truth values, and the numbers that laws use. Light imports.

A column has the same type in every table, also in tables from outside, so a reader needs no other
declaration. A test compares these sets with the declarations of the tables.
"""

TEXT = frozenset(
    (
        "accuracy_metric",
        "agreement",
        "approach",
        "attention_flops",
        "average",
        "baseline",
        "better",
        "bootstrap",
        "budget",
        "budget_counts",
        "bucket",
        "ci_method",
        "citation",
        "cluster",
        "control",
        "chosen",
        "corpus",
        "counted_flops",
        "counted_params",
        "covariate",
        "covered",
        "decision",
        "direction",
        "domain",
        "emergence",
        "estimator",
        "excluded_reason",
        "expected",
        "family",
        "faster",
        "frontier",
        "fit",
        "floors",
        "from_budget",
        "held_out_budget",
        "held_out_run",
        "horizon_class",
        "item",
        "kind",
        "law",
        "licence",
        "loss_metric",
        "lower",
        "method",
        "metric",
        "model",
        "movement",
        "name",
        "name_a",
        "name_b",
        "noise",
        "offset_from",
        "optimum_by",
        "other",
        "package",
        "parameter",
        "partition",
        "path",
        "power_law_covered",
        "prompt",
        "quantity",
        "reason",
        "recipe",
        "remarks",
        "revision",
        "run",
        "scale",
        "scales_agree",
        "sha256",
        "simpler",
        "source",
        "split_by",
        "status",
        "step1",
        "stratum",
        "subject",
        "suite",
        "survives",
        "text",
        "treatment",
        "unit",
        "verdict",
        "verdict_tuned",
        "version",
        "written",
    )
)
"""Names and words. They stay text whatever they look like: `NA`, `None`, `2019` and `1e18`."""

FLAGS = frozenset(("at_chance", "best", "beyond", "higher_is_better", "overlaps"))
"""Truth values."""

OPEN_FLAGS = frozenset(("higher_is_better",))
"""Truth values of which a missing one stays missing: nothing is stated. In others it is false."""

NUMBERS = frozenset(
    (
        "accuracy",
        "denominator",
        "error",
        "forward_flops",
        "loss",
        "num_items",
        "num_params_head",
        "num_params_total",
        "num_params_transformer",
        "numerator",
        "standard_error",
        "tokens",
        "training_flops",
        "value",
    )
)
"""Numbers of the losses, the items and other tables that users write; text in one is an error."""

MISSING = (
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
)
"""Words for a missing number (those of pandas). In a column of text only an empty cell is
missing."""

NO_REASON = frozenset(("-", *(word.lower() for word in MISSING)))
"""Words in `excluded_reason`, in small letters, that give no reason, such as `none`."""

FLAG_WORDS = {
    **dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "f", "n", "0", "0.0"), False),
}
"""Words for truth values, in lower case."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet takes a cell for a formula."""


def without_formula(text: str) -> str:
    """Return the text of a CSV cell that a spreadsheet does not run: with ' in front if needed."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_SIGNS) else text


def with_formula(cell: str) -> str:
    """Return the text that `without_formula` was given."""
    if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_SIGNS):
        return cell[1:]
    return cell


def label_of_budgets(budgets: list[str]) -> dict[str, str]:
    """Return one label for each budget: of several spellings of a number, the first.

    Budgets compare as numbers, so `1e18` and `1E+18` are one budget. A budget that is not a number
    is its own label.

    Examples:
        >>> label_of_budgets(["1e18", "1E+18", "small"])
        {'1e18': '1e18', '1E+18': '1e18', 'small': 'small'}
    """
    first: dict[float | str, str] = {}
    labels = {}
    for budget in budgets:
        try:
            key: float | str = float(budget)
        except ValueError:
            key = budget
        labels[budget] = first.setdefault(key, budget)
    return labels
