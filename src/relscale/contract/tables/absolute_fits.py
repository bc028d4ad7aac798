"""Contract of the table `absolute_fits`."""

from relscale.contract.table import Table

ABSOLUTE_FITS = Table(
    name="absolute_fits",
    description="The power law fitted in four ways, compared by leaving budgets out.",
    key=(
        "corpus",
        "family",
        "domain",
        "metric",
        "estimator",
        "fit",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "domain": "text",
        "metric": "text",
        "estimator": "text",
        "compute": "text",
        "fit": "text",
        "coefficient": "float",
        "exponent": "float",
        "exponent_left_out_low": "float",
        "exponent_left_out_high": "float",
        "offset": "float",
        "delta": "float",
        "left_out_error_percent": "float",
        "num_points": "int",
        "best": "bool",
        "status": "text",
        "remarks": "text",
    },
)
