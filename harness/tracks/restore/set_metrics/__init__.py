"""Metrics of a whole set of pictures: what they are made of, and how their features are collected."""
