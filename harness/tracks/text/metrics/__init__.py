"""Metrics of `text`, one a file."""
