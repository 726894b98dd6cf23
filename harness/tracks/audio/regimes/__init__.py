"""Regimes of `audio`, one a file."""
