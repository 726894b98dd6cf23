"""Datasets: definitions, manifests and embedded pictures, written with the public API only."""
