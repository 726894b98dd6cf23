"""Protocols of `audio`, one a file."""
