"""Recipes: rules when to stop."""
