"""Contract of the table `suite_contrasts`: the columns of a relative law, of two suites."""

from relscale.contract.table import Table, floats, text
from relscale.contract.tables.relative import RELATIVE

_KEY = ("treatment", "baseline", "family", "metric", "domain", "scale")
_LAW = RELATIVE.between("compute", "reduction_slope_points_per_decade")
_FIT = RELATIVE.between("r2", "replication")
_VERDICT = RELATIVE.names[RELATIVE.names.index("replication") :]

SUITE_CONTRASTS = Table(
    name="suite_contrasts",
    description="Relative laws of one suite against another at matched compute, one per domain, "
    "metric and scale.",
    key=_KEY,
    columns={
        **text(*_KEY),
        **{name: RELATIVE.columns[name] for name in (*_LAW, *_FIT)},
        **floats("item_share"),
        **{name: RELATIVE.columns[name] for name in _VERDICT},
    },
)
