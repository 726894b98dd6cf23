"""Protocols of `generate`, one a file: f(pictures (N, C, H, W)) → the same, for samples and for the reference."""
