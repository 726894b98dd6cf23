"""Metrics of `functions`, one a file."""
