"""Mixtures of sources, one clip of each of several sets, one of which is to be found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.datasets.audio._files import Seed
from noisebench.datasets.audio._keyed_clips import Number
from noisebench.tracks.audio.mixture import MixedClip, as_mixture


class Mixtures:
    """`n` mixtures; which classes and which of their clips is drawn by the number of the mixture and `text`."""

    def __init__(self, of: Sequence[nb.Dataset], names: Sequence[str], sources: int, n: int, text: str) -> None:
        self.ids: Sequence[str] = [f"mixture_{i:0{max(3, len(str(n - 1)))}d}" for i in range(n)]
        self._of, self._names, self._sources, self._text = of, names, sources, text

    def load(self, index: int) -> MixedClip:
        """Mixture `index`. Raises `UsageError` for clips that do not go together."""
        number = range(len(self.ids))[index]
        rng = nb.keyed_generator(nb.text_key(f"{self._text}|{number}"))
        classes = [int(one) for one in rng.permutation(len(self._of))[: self._sources]]
        clips = [self._of[one].load(int(rng.integers(len(self._of[one].ids)))) for one in classes]
        try:
            return as_mixture(self.ids[number], clips, classes)
        except ValueError as error:
            shown = ", ".join(self._names[one] for one in classes)
            raise nb.UsageError(f"dataset mixtures: {nb.one_line(error)}: {nb.one_line(shown)}") from None


@nb.dataset("mixtures", track="audio", licence="that of the other sets")
def mixtures(
    *,
    of: Annotated[Any, nb.Nested("dataset", many=True)] = (
        "instruments(kinds=(plucked,), n=50)",
        "instruments(kinds=(bowed,), n=50)",
        "instruments(kinds=(flute,), n=50)",
        "instruments(kinds=(organ,), n=50)",
        "instruments(kinds=(bell,), n=50)",
    ),
    sources: Annotated[int, Ge(2), Le(16)] = 2,
    n: Number = 20,
    seed: Seed = 0,
) -> Mixtures:
    """Mixtures of `sources` clips of other classes each, of equal power; the first is to be found, its class is told.

    of: one dataset for each class, whose number is its place; their clips have one length and rate, and no two sets
    share a clip. n: so many mixtures; which clips they are of is drawn. seed: other mixtures of the same clips: train
    on clips of other seeds than those that are tested. A method has the number of the class as `info.source`.
    """
    if len(of) < sources:
        raise nb.UsageError(f"dataset mixtures: {sources} sources of {len(of)} classes: give a dataset for each class")
    names = [one.canonical for one in of]
    if len({*names}) < len(names):
        raise nb.UsageError("dataset mixtures: two classes are of one dataset: give each its own")
    opened = [nb.open_dataset(one) for one in of]
    for one, name in zip(opened, names, strict=True):
        if not len(one.ids):
            raise nb.UsageError(f"dataset mixtures: {nb.one_line(name)} has no clips")
    return Mixtures(opened, [one.display for one in of], sources, n, f"mixtures|{'|'.join(names)}|{sources}|{seed}")
