"""Contract of the table `noise`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

NOISE = Table(
    name="noise",
    description="Noise of log G by its source, per corpus and pooled over corpora.",
    key=("corpus", "family", "metric"),
    columns={
        **text("corpus", "family", "metric"),
        **floats(
            "run_sd",
            "budget_sd",
            "seed_sd",
            "order_share",
            "item_sd",
            "ratio",
            "ratio_ci_low",
            "ratio_ci_high",
            "ci_level",
            "dof",
            "independent_gaps",
        ),
        **integers("num_gaps"),
        **STATUS,
    },
)
