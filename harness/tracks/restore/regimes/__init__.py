"""Regimes of `restore`, one a file: what is done to a clean picture."""
