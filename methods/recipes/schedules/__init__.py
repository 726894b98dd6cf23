"""Recipes: schedules of the rate."""
