"""Tables as pages for the report."""
