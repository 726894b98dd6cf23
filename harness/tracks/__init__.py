"""Tracks: what an item is, how a method is called, which metrics apply."""
