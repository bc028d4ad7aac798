"""Base of the rows of tables that are written as models."""

from pydantic import BaseModel, ConfigDict


class TableRow(BaseModel):
    """One row: a closed, frozen model whose fields are the columns, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
