"""Boards: which results stand side by side, in what order, and what can be said of the order."""
