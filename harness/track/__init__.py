"""Tracks: their protocols, and the call of a method."""
