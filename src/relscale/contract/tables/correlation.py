"""Contract of the table `correlation`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

CORRELATION = Table(
    name="correlation",
    description="Slopes of one family correlated with a covariate of its domains.",
    key=("corpus", "family", "metric", "estimator", "covariate"),
    columns={
        **text("corpus", "family", "metric", "covariate"),
        **floats("pearson_r", "spearman_r", "p_one_sided", "p_two_sided"),
        **integers("n"),
        **floats("ci_low", "ci_high"),
        **text("estimator"),
        **floats("p_permutation_one_sided", "p_permutation_two_sided", "spearman_p_two_sided"),
        **STATUS,
    },
)
