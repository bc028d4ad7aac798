"""Importers, one module per format.

Each module declares `IMPORTER`. All modules of this folder are imported, so that a new format needs
no entry in a list.
"""

from importlib import import_module
from pkgutil import iter_modules

from relscale.importers.importer import Importer

_MODULES = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
IMPORTERS: dict[str, Importer] = {module.IMPORTER.name: module.IMPORTER for module in _MODULES}
"""The importers by the name of their format, in alphabetical order."""
