"""The pictures of another set whose name matches a pattern: those of one camera, say, or of all others."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import noisebench as nb


class Matching:
    """Some of another dataset's pictures, in its order."""

    def __init__(self, of: nb.Dataset, indices: Sequence[int]) -> None:
        self._of, self._indices = of, indices
        self.ids: Sequence[str] = [of.ids[index] for index in indices]

    def load(self, index: int) -> nb.Sample:
        """Picture `index` of those that match."""
        sample: nb.Sample = self._of.load(self._indices[index])
        return sample


@nb.dataset("matching", licence="that of the other set")
def matching(*, of: nb.DatasetSpec, pattern: str, but: bool = False) -> Matching:
    """The pictures of another set whose name matches a pattern: those of one camera, say, or of all others.

    pattern: with `*` for any text and `?` for any character, as in `matching(of=polyu, pattern="Sony*")`; capitals
    count. but: take the others. Raises `UsageError` where no picture is left.
    """
    pictures = nb.open_dataset(of)
    chosen = [index for index, name in enumerate(pictures.ids) if fnmatchcase(name, pattern) != but]
    if not chosen:
        few = ", ".join(pictures.ids[:3])
        raise nb.UsageError(
            f"dataset matching: no picture {'but' if but else 'of'} {pattern!r} is in {of.display}: it has {few}, …"
        )
    return Matching(pictures, chosen)
