from __future__ import annotations

from fnmatch import fnmatchcase

import noisebench as nb


class Subset:
    """Another dataset's pictures at some of its places."""

    def __init__(self, of: nb.Dataset, places: list[int]) -> None:
        self._of, self._places = of, places
        self.ids = [of.ids[place] for place in places]

    def load(self, index: int) -> nb.Sample:
        """Picture `index` of these."""
        sample: nb.Sample = self._of.load(self._places[index])
        return sample


@nb.dataset("subset", licence="that of the other set")
def subset(*, of: nb.DatasetSpec, ids: str = "*", but: str = "") -> Subset:
    """Those pictures of another set whose ids match a pattern, such as all of one camera, or all but one scene.

    ids: with `*`, `?` and `[…]`, capitals being other letters: `subset(of=polyu, ids="Sony*")`. but: a pattern of those
    that are left out. So one part of a set is trained on, and the rest is tested.
    """
    whole = nb.open_dataset(of)
    places = [i for i, name in enumerate(whole.ids) if fnmatchcase(name, ids) and not fnmatchcase(name, but)]
    if not places:
        raise nb.UsageError(f"dataset subset: no id of {of.display} matches: they look like {whole.ids[0]!r}")
    return Subset(whole, places)
