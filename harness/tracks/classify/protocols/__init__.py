"""Protocols of `classify`, one a file."""
