from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import kept_by_key
from noisebench.tracks.classify import NO_CLASS, LabelledPicture
from noisebench.tracks.classify.labelled_picture import values_of

Share = Annotated[float, Ge(0), Le(1)]
Kept = Annotated[int, Ge(1)]
Seed = Annotated[int, Ge(0)] | None


class WebNoise:
    """The pictures of a set in its order; the places in `kept_apart` stay as they are, and are validated on."""

    def __init__(
        self, of: nb.Dataset, outside: nb.Dataset, shares: tuple[float, float], validated: int, seed: int
    ) -> None:
        self._of, self._outside, self._seed = of, outside, seed
        self._outside_share, self._flipped_share = shares
        self.ids: Sequence[str] = of.ids
        self.kept_apart: Sequence[int] = kept_by_key(of.ids, validated)
        self._clean = {*self.kept_apart}
        order = nb.keyed_generator(nb.text_key(f"web noise|{seed}|order")).permutation(len(outside.ids))
        self._order = [int(place) for place in order]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`; what happens to it depends on its id and the seed alone. Raises `UsageError`."""
        index = range(len(self.ids))[index]
        item: LabelledPicture = self._of.load(index)
        if index in self._clean:
            return item
        rng = nb.keyed_generator(nb.text_key(f"web noise|{self._seed}|{item.id}"))
        drawn = rng.random()
        if drawn < self._outside_share:
            other: LabelledPicture = self._outside.load(self._order[index % len(self._order)])
            if values_of(other).shape != values_of(item).shape:
                raise nb.UsageError(
                    f"dataset web_noise: {nb.one_line(other.id)!r} {values_of(other).shape} is to stand for "
                    f"{nb.one_line(item.id)!r} {values_of(item).shape}: give two sets of one size"
                )
            return replace(item, picture=other.picture, label=NO_CLASS, annotated=item.given_label)
        if drawn < self._outside_share + self._flipped_share:
            away = 1 + int(rng.integers(len(item.classes) - 1))
            return replace(item, annotated=(item.label + away) % len(item.classes))
        return item


def shares_of(outside: float, flipped: float) -> tuple[float, float]:
    """Both shares. Raises `UsageError` where they are more than all."""
    if outside + flipped > 1 + 1e-9:
        raise nb.UsageError(f"web noise: outside={outside:g} and flipped={flipped:g} add up to more than 1: give less")
    return outside, flipped


@nb.dataset("web_noise", track="classify", licence="that of the other sets")
def web_noise(
    *,
    of: nb.DatasetSpec,
    by: nb.DatasetSpec,
    outside: Share = 0.2,
    flipped: Share = 0.2,
    validated: Kept = 200,
    seed: Seed = None,
) -> WebNoise:
    """Another set as a search of the web would give it: some labels are wrong, and some pictures show no class at all.

    of: the other set, to train on. by: a set whose pictures show none of its classes, of the same size. outside: the
    share in whose place such a picture stands, under the label of the one that it replaces. flipped: the share with a
    wrong label of the same classes. Each picture is drawn by itself. A training is told labels alone; diagnostics know
    the truth. validated: pictures that stay as they are and are kept apart, chosen by key. seed: none is that of the
    training.
    """
    other, more = nb.open_dataset(of), nb.open_dataset(by)
    if not more.ids:
        raise nb.UsageError(f"dataset web_noise: {by.display} has no pictures")
    return WebNoise(other, more, shares_of(outside, flipped), validated, seed or 0)
