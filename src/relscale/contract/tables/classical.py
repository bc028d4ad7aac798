"""Contract of the table `classical`."""

from relscale.contract.table import DOMAIN_KEY, STATUS, Table, floats, integers, text

CLASSICAL_LAWS = Table(
    name="classical",
    description="The classical scaling laws of every domain, a row per parameter.",
    key=(*DOMAIN_KEY, "law", "parameter"),
    columns={
        **text(*DOMAIN_KEY, "law", "parameter", "source"),
        **floats(
            "value",
            "ci_low",
            "ci_high",
            "ci_level",
            "condition",
            "left_out_error_percent",
            "simpler_left_out_error_percent",
            "interval_score_percent",
        ),
        **text("simpler"),
        **integers("num_points"),
        **STATUS,
    },
    digits=5,  # coefficients are read far from the runs; searches agree there to about 1e-6
)
