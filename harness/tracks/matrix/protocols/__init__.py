"""Protocols of `matrix`, one a file: which entries are compared."""
