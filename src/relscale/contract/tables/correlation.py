"""Contract of the table `correlation`."""

from relscale.contract.table import Table

CORRELATION = Table(
    name="correlation",
    description="Slopes of one family correlated with a covariate of its domains.",
    key=(
        "corpus",
        "family",
        "metric",
        "estimator",
        "covariate",
    ),
    columns={
        "corpus": "text",
        "family": "text",
        "metric": "text",
        "covariate": "text",
        "pearson_r": "float",
        "spearman_r": "float",
        "p_one_sided": "float",
        "p_two_sided": "float",
        "n": "int",
        "ci_low": "float",
        "ci_high": "float",
        "estimator": "text",
        "p_permutation_one_sided": "float",
        "p_permutation_two_sided": "float",
        "spearman_p_two_sided": "float",
        "status": "text",
        "remarks": "text",
    },
)
