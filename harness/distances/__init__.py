"""Distances between two sets of feature vectors: Fréchet and kernel."""
