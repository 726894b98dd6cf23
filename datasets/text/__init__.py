"""Datasets of `text`."""
