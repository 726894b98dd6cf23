"""Recipes: losses."""
