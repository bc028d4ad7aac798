"""All law tables, for readers of several of them.

A stage that writes a law table imports only that table's module in `relscale.contract.tables`, so
that a new column makes only the jobs of that table stale.
"""

from relscale.contract.tables.absolute import ABSOLUTE
from relscale.contract.tables.absolute_fits import ABSOLUTE_FITS
from relscale.contract.tables.backtest import BACKTEST
from relscale.contract.tables.contrasts import CONTRASTS
from relscale.contract.tables.correlation import CORRELATION
from relscale.contract.tables.decomposition import DECOMPOSITION
from relscale.contract.tables.families import FAMILIES
from relscale.contract.tables.optima import OPTIMA
from relscale.contract.tables.points import POINTS
from relscale.contract.tables.predictions import PREDICTIONS
from relscale.contract.tables.prompts import PROMPTS
from relscale.contract.tables.relative import RELATIVE
from relscale.contract.tables.surface import SURFACE
from relscale.contract.tables.two_stage import TWO_STAGE

FAMILY_TABLES = (
    POINTS,
    ABSOLUTE,
    ABSOLUTE_FITS,
    SURFACE,
    RELATIVE,
    FAMILIES,
    CONTRASTS,
    DECOMPOSITION,
    TWO_STAGE,
    PREDICTIONS,
    BACKTEST,
)
"""Tables that the stage `laws` writes for each family, in the order in which laws are fitted."""
SUITE_TABLES = (OPTIMA, CORRELATION, PROMPTS)
"""Tables that are written once for the whole suite."""
LAW_TABLES = (*FAMILY_TABLES, *SUITE_TABLES)
