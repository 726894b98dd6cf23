"""Datasets of `graph`."""
