"""Figures: each from tables only."""
