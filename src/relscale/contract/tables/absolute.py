"""Contract of the table `absolute`."""

from relscale.contract.table import DOMAIN_KEY, STATUS, Table, floats, integers, text

ABSOLUTE = Table(
    name="absolute",
    description="One power law per corpus, domain, metric and estimator.",
    key=(*DOMAIN_KEY, "estimator"),
    columns={
        **text(*DOMAIN_KEY, "estimator", "compute"),
        **floats(
            "coefficient",
            "exponent",
            "offset",
            "standard_error",
            "ci_low",
            "ci_high",
            "r2",
            "lack_of_fit_p",
        ),
        **integers("num_points"),
        **STATUS,
    },
)
