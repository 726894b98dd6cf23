"""Protocols of `text`, one a file."""
