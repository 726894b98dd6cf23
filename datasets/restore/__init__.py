"""Datasets of `restore`: definitions, manifests and embedded pictures."""
