"""Losses tables from outside: read by a mapping, checked, and turned into ours."""
