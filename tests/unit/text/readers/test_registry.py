"""Every reader that a configuration may name has a behaviour, and the code digest covers it."""

from pathlib import Path
from typing import get_args

import relscale.text.readers as package
from relscale.config.readers import AnyReader
from relscale.provenance.code import import_closure
from relscale.text.readers import READERS


def test_readers_are_those_of_the_configuration() -> None:
    union, _ = get_args(AnyReader)
    assert set(READERS) == set(get_args(union))


def test_the_code_digest_covers_every_reader() -> None:
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    closure = import_closure("relscale.stages.documents")
    assert {f"relscale.text.readers.{name}" for name in modules} <= set(closure)
