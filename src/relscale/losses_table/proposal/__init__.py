"""A proposed mapping for a file: what its columns look like, with the evidence for each guess."""
