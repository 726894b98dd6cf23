"""Track `classify`: a labelled picture under noise in, what it shows out. Below: what its datasets need."""

from .labelled_picture import NO_CLASS, LabelledPicture

__all__ = ["NO_CLASS", "LabelledPicture"]
