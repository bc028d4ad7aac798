"""Section `tuning`: tuned frontiers, each a corpus with arms of other settings."""

from typing import Annotated

from pydantic import Field

from relscale.config.base import Name, Unique

Frontier = Annotated[Unique[Name], Field(min_length=2)]
"""Names in the column `corpus` of the losses: a corpus (or arm) with its default settings, then
arms of the same corpus."""
