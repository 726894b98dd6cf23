"""Protocols of `functions`, one a file."""
