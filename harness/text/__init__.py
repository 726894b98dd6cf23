"""Errors, wording and JSON: what every other package uses."""
