"""Metrics of `graph`, one a file."""
