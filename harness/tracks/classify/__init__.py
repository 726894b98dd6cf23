"""Track `classify`: a labelled picture under noise in, what it shows out. Below: what its datasets need."""

from .labelled_picture import LabelledPicture

__all__ = ["LabelledPicture"]
