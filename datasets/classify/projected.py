from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import labelled_arrays
from noisebench.methods.restore._principal import Principal, principal
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.labelled_picture import values_of


class Projected:
    """Another set's pictures, with the labels that they have there."""

    def __init__(self, of: nb.Dataset, generator: Principal, shape: tuple[int, ...], onto: str) -> None:
        self._of, self._generator, self._shape, self._onto = of, generator, shape, onto
        self.ids: Sequence[str] = [f"{name}_projected" for name in of.ids]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32, of its shape. Raises `UsageError` where the generator makes another size."""
        item: LabelledPicture = self._of.load(index)
        values = values_of(item)
        planes = (values / (np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1)).transpose(2, 0, 1)
        if planes.shape != self._shape:
            raise nb.UsageError(
                f"dataset projected: {item.id!r} is {planes.shape}, those of {self._onto} {self._shape}"
            )
        nearest = self._generator.projected(planes.astype(np.float64).reshape(1, -1)).reshape(self._shape)
        rng = nb.keyed_generator(nb.text_key(f"projected|{self.ids[index]}"))
        nearest = nearest + float((planes - nearest).std()) * rng.standard_normal(planes.shape)
        nearest = nearest.transpose(1, 2, 0).reshape(np.asarray(item.picture).shape)
        # Products of matrices differ in the last bits from machine to machine; on this grid the pixels do not.
        picture = (np.rint(np.clip(nearest, 0, 1) * 2**16) / 2**16).astype(np.float32)
        return replace(item, id=self.ids[index], picture=picture)


@nb.dataset("projected", track="classify", licence="that of the other set")
def projected(*, of: nb.DatasetSpec, onto: nb.DatasetSpec, k: Annotated[int, Ge(1), Le(65_536)] = 16) -> Projected:
    """Another set whose pictures are projected into the range of a generator: the nearest it can make stands for each.

    of: the other set; its labels stay. onto: what the generator is fitted to, its mean and k principal components: with
    rings alone it makes a ring of everything, so test what is no ring too. White noise as strong as what the projection
    took away is drawn anew, for smooth pictures among noisy ones would give their class away. Fit it to training
    pictures alone.
    """
    data = labelled_arrays(onto)
    generator = principal(list(data.pictures), k, f"dataset projected(onto={onto.display})")
    return Projected(nb.open_dataset(of), generator, data.pictures.shape[1:], onto.display)
