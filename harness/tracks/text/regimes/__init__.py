"""Regimes of `text`, one a file."""
