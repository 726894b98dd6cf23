"""Specs such as `nlm(h=0.8)`: their text, their paths and the types of parameters."""
