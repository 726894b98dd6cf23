"""Metrics of `matrix`, one a file."""
