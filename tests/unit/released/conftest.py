from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from byte_tokenizer import encoder, tokenizer

__all__ = ["encoder", "tokenizer"]


@pytest.fixture(scope="session")
def reference():
    """The script that makes models and texts for the comparison with lm-evaluation-harness."""
    spec = spec_from_file_location(
        "reference_harness", Path(__file__).parents[2] / "golden" / "reference_harness.py"
    )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def models(reference, tmp_path_factory) -> dict[str, Path]:
    """Folders of small random models by architecture; a test that changes one uses a copy."""
    return reference.make_models(tmp_path_factory.mktemp("models"))
