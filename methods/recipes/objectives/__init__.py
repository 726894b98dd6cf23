"""Recipes: objectives."""
