"""Stage `curve_forecasts`: the end of training curves, predicted from their beginning."""

from pathlib import Path

from relscale.contract.io import read_table, write_table
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.laws.conditions_spec import CurveForecastsSpec
from relscale.laws.curve_forecast import forecast_curves
from relscale.runtime import run


def main(*, spec: CurveForecastsSpec, curves: Path, suite: Path, out: Path) -> None:
    """Read the curves and the suite, predict, write the table."""
    table = forecast_curves(read_table(curves), read_table(suite), spec.level)
    write_table(table, out, CURVE_FORECASTS)


if __name__ == "__main__":
    run(main)
