"""All law tables, for readers of several of them.

A stage that writes a law table imports only that table's module in `relscale.contract.tables`, so
that a new column makes only the jobs of that table stale.
"""

from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.absolute_fits import ABSOLUTE_FITS
from relscale.contract.tables.backtest import BACKTEST
from relscale.contract.tables.buckets import BUCKETS
from relscale.contract.tables.classical import CLASSICAL_LAWS
from relscale.contract.tables.conditions import CONDITIONS
from relscale.contract.tables.contrasts import CONTRASTS
from relscale.contract.tables.control_slopes import CONTROL_SLOPES
from relscale.contract.tables.controls import CONTROLS
from relscale.contract.tables.correlation import CORRELATION
from relscale.contract.tables.counts import COUNTS
from relscale.contract.tables.curve_forecasts import CURVE_FORECASTS
from relscale.contract.tables.curves import CURVES
from relscale.contract.tables.decomposition import DECOMPOSITION
from relscale.contract.tables.documents import DOCUMENTS
from relscale.contract.tables.exponents import EXPONENTS
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.forecast import FORECAST
from relscale.contract.tables.loss_to_loss import LOSS_TO_LOSS
from relscale.contract.tables.noise import NOISE
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.position_laws import POSITION_LAWS
from relscale.contract.tables.positions import POSITIONS
from relscale.contract.tables.predicted import PREDICTED
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.contract.tables.prompts import PROMPTS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.representation import REPRESENTATION
from relscale.contract.tables.scores import SCORES
from relscale.contract.tables.statistics_exponents import STATISTICS_EXPONENTS
from relscale.contract.tables.suite_contrast_points import SUITE_CONTRAST_POINTS
from relscale.contract.tables.suite_contrasts import SUITE_CONTRASTS
from relscale.contract.tables.surface import SURFACE
from relscale.contract.tables.tuned import TUNED
from relscale.contract.tables.tuned_sizes import TUNED_SIZES
from relscale.contract.tables.two_stage import TWO_STAGE

FAMILY_TABLES = (
    POINTS,
    ABSOLUTE,
    ABSOLUTE_FITS,
    SURFACE,
    RELATIVE,
    FAMILIES,
    CONTRASTS,
    NOISE,
    DECOMPOSITION,
    LOSS_TO_LOSS,
    TWO_STAGE,
    PREDICTIONS,
    BACKTEST,
    FORECAST,
    CURVES,
    CLASSICAL_LAWS,
    EXPONENTS,
    COUNTS,
    BUCKETS,
    DOCUMENTS,
    POSITIONS,
    POSITION_LAWS,
)
"""Tables that the stage `laws` writes for each family, in the order in which laws are fitted."""
PART_TABLES = (BUCKETS, DOCUMENTS, POSITIONS, POSITION_LAWS)
"""Those about parts of texts: they have rows only for a family with sums by bucket (`buckets:
true`), which a table of losses from outside never has."""
SUITE_TABLES = (
    OPTIMA,
    CORRELATION,
    PROMPTS,
    SCORES,
    REPRESENTATION,
    CONTROLS,
    CONTROL_SLOPES,
    STATISTICS_EXPONENTS,
    SUITE_CONTRASTS,
    SUITE_CONTRAST_POINTS,
    TUNED,
    TUNED_SIZES,
    CONDITIONS,
    CURVE_FORECASTS,
)
"""Tables that are written once for the whole suite."""
ANSWER_TABLES = (PREDICTED,)
"""Tables that the command writes where it is asked to."""
LAW_TABLES = (*FAMILY_TABLES, *SUITE_TABLES, *ANSWER_TABLES)
