"""Recipes: parts that change how a network is trained."""
