"""Contract of the table `loss_to_loss`."""

from relscale.contract.table import GAP_KEY, STATUS, Table, floats, integers, text

INTERVAL = ("", "_ci_low", "_ci_high")
"""Suffixes of an estimate and its interval."""
BAND = ("_lowest", "_highest")
"""Suffixes of a range over all floors that the losses allow."""


def with_interval(*names: str) -> tuple[str, ...]:
    """Return the columns of estimates with their intervals."""
    return tuple(name + suffix for name in names for suffix in INTERVAL)


LOSS_TO_LOSS = Table(
    name="loss_to_loss",
    description="The loss of every treatment as a function of the baseline's loss.",
    key=(*GAP_KEY,),
    columns={
        **text(*GAP_KEY, "baseline", "compute"),
        **floats("c0", "c0_standard_error", "c1", "c1_standard_error", "c2", "c2_standard_error"),
        **floats("nearness", "held_out_error_percent", "held_out_unchanged_percent"),
        **floats("through_loss_p"),
        **text("path"),
        **floats("reference_compute", *with_interval("dbeta")),
        **text("split_by"),
        **floats(
            *with_interval(
                "kappa",
                "coefficient",
                "floor_treatment",
                "floor_baseline",
                "reducible_share_treatment",
                "reducible_share_baseline",
                "rho",
                "dbeta_floor",
                "dbeta_rate",
            ),
            *(name + suffix for name in ("kappa", "dbeta_floor", "dbeta_rate") for suffix in BAND),
        ),
        **integers("draws", "num_runs"),
        **STATUS,
    },
)
