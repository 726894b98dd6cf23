"""Protocols of `graph`, one a file."""
