"""Contract of the table `control_slopes`."""

from relscale.contract.table import STATUS, Table, floats, integers, text

CONTROL_SLOPES = Table(
    name="control_slopes",
    description="Gaps of the runs and of controls over the same range of text, and their slopes.",
    key=("corpus", "control", "family", "metric", "treatment"),
    columns={
        **text("corpus", "control", "family", "metric", "treatment", "baseline", "movement"),
        **floats("slope", "slope_ci_low", "slope_ci_high"),
        **floats("slope_runs", "slope_runs_ci_low", "slope_runs_ci_high"),
        **floats("gap", "gap_ci_low", "gap_ci_high"),
        **floats("gap_runs", "gap_runs_ci_low", "gap_runs_ci_high"),
        **floats("dbeta", "text_exponent", "middle_bytes"),
        **integers("first_bytes", "last_bytes", "num_texts"),
        **text("verdict"),
        **STATUS,
    },
)
