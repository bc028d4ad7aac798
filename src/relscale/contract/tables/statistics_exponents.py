"""Contract of the table `statistics_exponents`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

STATISTICS_EXPONENTS = Table(
    name="statistics_exponents",
    description="Rank correlations of the statistics of domains with the exponents of their laws.",
    key=("quantity", "estimator", "covariate"),
    columns={
        **text("quantity", "metric", "estimator", "covariate"),
        **floats("spearman_r", "ci_low", "ci_high", "p_permutation", "p_holm"),
        **integers("n", "num_families", "num_corpora"),
        **text("verdict"),
        **STATUS,
    },
)
