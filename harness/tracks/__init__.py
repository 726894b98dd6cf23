"""Tracks: one room each; nothing outside imports them by name."""
