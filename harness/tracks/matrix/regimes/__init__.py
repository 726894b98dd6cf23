"""Regimes of `matrix`, one a file."""
