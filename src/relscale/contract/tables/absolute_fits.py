"""Contract of the table `absolute_fits`."""

from relscale.contract.table import DOMAIN_KEY, STATUS, Table, flags, floats, integers, text

ABSOLUTE_FITS = Table(
    name="absolute_fits",
    description="The power law fitted in four ways, compared by leaving budgets out.",
    key=(*DOMAIN_KEY, "estimator", "fit"),
    columns={
        **text(*DOMAIN_KEY, "estimator", "compute", "fit"),
        **floats(
            "coefficient",
            "exponent",
            "exponent_left_out_low",
            "exponent_left_out_high",
            "offset",
            "delta",
            "left_out_error_percent",
        ),
        **integers("num_points"),
        **flags("best"),
        **STATUS,
    },
)
