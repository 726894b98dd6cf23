"""Datasets of `audio`. A module whose name begins with an underscore is shared by several."""
