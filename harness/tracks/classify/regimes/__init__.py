"""Regimes of `classify` that no other track has, one a file; those of `restore` serve here too."""
