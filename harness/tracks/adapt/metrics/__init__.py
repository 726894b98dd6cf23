"""Metrics of `adapt`, one a file."""
