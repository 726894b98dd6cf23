"""Recipes: samplers of training items."""
