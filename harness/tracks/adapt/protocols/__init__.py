"""Protocols of `adapt`, one a file."""
