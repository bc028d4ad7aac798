"""Family laws: the laws of one family, whatever its name."""

from relscale.figures.context import Context, family_tables, settings_of_family
from relscale.figures.declaration import Category, Figure
from relscale.figures.settings import FamilySettings


def _family(context: Context) -> str:
    """Return the family that the experiment names, or else the first one with a baseline."""
    compared = (*context.compared_families, *context.evaluated)
    return context.family_laws or next(iter(compared), "")


FIGURE = Figure(
    name="family_laws",
    category=Category.DIAGNOSTICS,
    caption=(
        "The laws of one family: the value of each domain with the absolute law (top), and its "
        "change against the baseline with the relative law, 95 % interval and verdict on the ratio "
        "scale (bottom); one column per corpus. Points are at the compute-optimal point of each "
        "budget, or along the path of the law that was chosen. Beyond the data laws are dashed, "
        "with a band only where back-tests have calibrated it. Hollow diamonds, where the "
        "experiment has controls: n-gram models that have read the text of the compute-optimal "
        "runs. Source: laws/points.csv, laws/absolute.csv, laws/relative.csv, laws/curves.csv, "
        "laws/control_slopes.csv."
    ),
    tables=family_tables(_family),
    settings=FamilySettings,
    settings_of=lambda context: settings_of_family(FamilySettings, context, _family(context)),
    family=_family,
)
