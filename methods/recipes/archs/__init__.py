"""Recipes: networks."""
