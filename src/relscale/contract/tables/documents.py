"""Contract of the table `documents`."""

from relscale.contract.table import GAP_KEY, STATUS, Table, floats, integers, text

DOCUMENTS = Table(
    name="documents",
    description="The documents whose gap moves most from the lowest to the highest budget, with "
    "the change shrunk towards that of their domain.",
    key=(*GAP_KEY, "item"),
    columns={
        **text(*GAP_KEY, "item", "direction", "baseline"),
        **integers("rank"),
        **floats(
            "gap_first",
            "gap_last",
            "change",
            "domain_change",
            "change_shrunk",
            "ci_low",
            "ci_high",
            "ci_level",
            "reliability",
        ),
        **integers("num_items", "num_runs_first", "num_runs_last"),
        **STATUS,
    },
)
