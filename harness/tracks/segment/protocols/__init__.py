"""Protocols of `segment`, one a file."""
