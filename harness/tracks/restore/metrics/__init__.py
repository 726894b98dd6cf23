"""Metrics of `restore`, one a file."""
