"""Datasets of `generate`, one a file."""
