"""Recipes: optimizers."""
