"""Track `segment`: a picture under noise in, the class of each pixel out. Below: what its datasets are made of."""

from .mapped_picture import UNLABELLED, MappedPicture

__all__ = ["UNLABELLED", "MappedPicture"]
