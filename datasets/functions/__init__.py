"""Datasets of `functions`."""
