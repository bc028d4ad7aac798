"""The maker of synthetic tables, for tests and benchmarks outside the folder of its conftest."""

import importlib.util
from pathlib import Path
from types import ModuleType

CONFTEST = Path(__file__).parents[1] / "unit/figures/conftest.py"


def synthetic_tables() -> ModuleType:
    """Return the module that makes synthetic tables: `make_tables`, `FAMILIES`, `CORPORA`."""
    spec = importlib.util.spec_from_file_location("synthetic_tables_conftest", CONFTEST)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
