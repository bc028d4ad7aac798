"""Stage `laws`: all laws of one family."""

from pathlib import Path

from relscale.contract.io import read_table
from relscale.contract.losses import LOSSES_REQUIRED
from relscale.laws.fit import fit_family
from relscale.laws.outside_models import read_outside_models
from relscale.laws.spec import LawSpec
from relscale.runtime import run


def main(
    *,
    spec: LawSpec,
    losses: Path,
    items: Path | None = None,
    optimum_losses: Path | None = None,
    outside_models: list[Path] | None = None,
    out_points: Path,
    out_absolute: Path,
    out_absolute_fits: Path,
    out_surface: Path,
    out_relative: Path,
    out_decomposition: Path,
    out_two_stage: Path,
    out_predictions: Path,
    out_backtest: Path,
) -> None:
    """Read losses (and items), fit the laws, write one table per law."""
    laws = fit_family(
        read_table(losses, LOSSES_REQUIRED),
        spec,
        items=None if items is None else read_table(items),
        optimum_losses=None
        if optimum_losses is None
        else read_table(optimum_losses, LOSSES_REQUIRED),
        outside_models=[model for path in outside_models or () for model in read_outside_models(path)],
    )
    laws.write(
        {
            "points": out_points,
            "absolute": out_absolute,
            "absolute_fits": out_absolute_fits,
            "surface": out_surface,
            "relative": out_relative,
            "decomposition": out_decomposition,
            "two_stage": out_two_stage,
            "predictions": out_predictions,
            "backtest": out_backtest,
        }
    )


if __name__ == "__main__":
    run(main)
