"""Fits of the surface L(N, D) to losses: least squares and the Huber loss."""
