"""Datasets of `classify`, one a file."""
