"""Regimes of `functions`, one a file."""
