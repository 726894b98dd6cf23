"""Metrics of `classify`, one a file."""
