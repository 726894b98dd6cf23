"""Comparing: the same cell, and in it the same inputs, on two sides."""
