"""The laws of a family, one module per law.

Each module declares `LAW` (`relscale.laws.law.Law`). All modules of this folder are imported, and
the code digest (`relscale.provenance.code`) covers them all. The laws are fitted, and their tables
written, in the order of `relscale.contract.law_tables.FAMILY_TABLES`.
"""

from importlib import import_module
from pkgutil import iter_modules

from relscale.contract.law_tables import FAMILY_TABLES
from relscale.laws.law import Law

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
_LAW_OF_TABLE: dict[str, Law] = {module.LAW.table.name: module.LAW for module in _MODULES}

LAWS = tuple(_LAW_OF_TABLE[table.name] for table in FAMILY_TABLES)
"""Every law of a family."""
