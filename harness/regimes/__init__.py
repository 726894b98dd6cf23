"""Keyed noise and degradations: the same picture, regime and seed give the same input everywhere."""
