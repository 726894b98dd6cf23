"""Metrics of `segment`, one a file."""
