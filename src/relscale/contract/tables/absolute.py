"""Contract of the table `absolute`."""

from relscale.contract.table import DOMAIN_KEY, STATUS, Table, floats, integers, text

ABSOLUTE = Table(
    name="absolute",
    description="One absolute law per corpus, domain, metric and estimator.",
    key=(*DOMAIN_KEY, "estimator"),
    columns={
        **text(*DOMAIN_KEY, "estimator", "compute", "law"),
        **floats(
            "coefficient",
            "exponent",
            "standard_error",
            "ci_low",
            "ci_high",
            "offset",
            "offset_ci_low",
            "offset_ci_high",
        ),
        **text("offset_from"),
        **floats(
            "r2",
            "lack_of_fit_p",
            "power_left_out_error_percent",
            "saturating_left_out_error_percent",
        ),
        **integers("num_points"),
        **STATUS,
    },
)
