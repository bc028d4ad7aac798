"""The columns of the table of prompts."""

from relscale.contract.tables.prompts import PROMPTS

PROMPTS_COLUMNS = PROMPTS.names
