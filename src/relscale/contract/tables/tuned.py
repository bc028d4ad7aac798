"""Contract of the table `tuned`."""

from relscale.contract.table import STATUS, Table, floats, text

TUNED = Table(
    name="tuned",
    description="Relative laws of a corpus with its default settings, and on its tuned frontier.",
    key=("corpus", "frontier", "family", "metric", "treatment"),
    columns={
        **text("corpus", "frontier", "family", "metric", "treatment", "baseline", "estimator"),
        **floats("dbeta", "ci_low", "ci_high"),
        **text("verdict"),
        **floats("dbeta_tuned", "ci_low_tuned", "ci_high_tuned"),
        **text("verdict_tuned", "survives"),
        **STATUS,
    },
)
