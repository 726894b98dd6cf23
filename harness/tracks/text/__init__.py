"""Track `text`: a passage under typos in, what each next character may be out. Below: what its datasets are made of."""

from .passage import Passage, as_passage, codes_of

__all__ = ["Passage", "as_passage", "codes_of"]
