"""The scoring core: named protocols and exact metrics."""
