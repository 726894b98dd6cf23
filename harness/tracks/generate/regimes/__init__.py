"""Regimes of `generate`, one a file: f(latents, rng, **params) → (latents, disclosed)."""
