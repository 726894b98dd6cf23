"""Track `adapt`: a stream of pictures in, their classes out, by what may learn on the way. Below: for its datasets."""

from .stream import Stream

__all__ = ["Stream"]
