"""Datasets of the track `segment`, one a file, named as it."""
