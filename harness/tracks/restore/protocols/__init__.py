"""Protocols of `restore`, one a file: what is done to both pictures before they are compared."""
