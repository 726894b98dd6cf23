"""Metrics of `audio`, one a file."""
