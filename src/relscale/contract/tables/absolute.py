"""Contract of the table `absolute`."""

from relscale.contract.table import Table

ABSOLUTE = Table(
    name="absolute",
    description="One power law per corpus, domain, metric and estimator.",
    key=(
        "corpus",
        "family",
        "domain",
        "metric",
        "estimator",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "domain": "text",
        "metric": "text",
        "estimator": "text",
        "compute": "text",
        "coefficient": "float",
        "exponent": "float",
        "offset": "float",
        "standard_error": "float",
        "ci_low": "float",
        "ci_high": "float",
        "r2": "float",
        "lack_of_fit_p": "float",
        "num_points": "int",
        "status": "text",
        "remarks": "text",
    },
)
