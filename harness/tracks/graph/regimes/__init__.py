"""Regimes of `graph`, one a file."""
