from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.labelled_picture import values_of


class BlockDigits:
    """Another set's pictures of height H as pictures of height 2 H."""

    def __init__(self, of: nb.Dataset, place: str, label: str, seed: int) -> None:
        self._of, self._place, self._label, self._seed = of, place, label, seed
        self.ids: Sequence[str] = [f"{name}_block" for name in of.ids]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (2 H, W) or (2 H, W, C); where its signal is depends on its id and the seed."""
        item: LabelledPicture = self._of.load(index)
        values = values_of(item)
        signal = values / (np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1)
        null = np.broadcast_to(null_block(*signal.shape[:2])[:, :, None], signal.shape)
        rng = nb.keyed_generator(nb.text_key(f"blockdigits|{self._seed}|{item.id}"))
        below = self._place == "random" and rng.random() < 0.5
        both = np.concatenate([null, signal] if below else [signal, null]).astype(np.float32)
        both = both.reshape(-1, *np.asarray(item.picture).shape[1:])
        if self._label == "picture":
            return replace(item, id=self.ids[index], picture=both)
        return LabelledPicture(self.ids[index], both, int(below), ("top", "bottom"), group=item.group)


def null_block(height: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A frame with both diagonals, 1 on 0, (height, width): the same in every picture."""
    down, across = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    thick = 2 / max(height, width)
    outer = np.maximum(abs(down), abs(across))
    frame = (outer > 0.75 - thick) & (outer < 0.75 + thick)
    cross = (abs(abs(down) - abs(across)) < thick) & (outer < 0.75)
    return (frame | cross).astype(np.float64)


@nb.dataset(
    "blockdigits",
    track="classify",
    licence="that of the other set",
    citation="H. Shah, P. Jain, P. Netrapalli, Do input gradients highlight discriminative features?, NeurIPS 2021",
)
def blockdigits(
    *,
    of: nb.DatasetSpec = "digits",
    place: Literal["random", "top"] = "random",
    label: Literal["picture", "block"] = "picture",
    seed: Annotated[int, Ge(0)] = 0,
) -> BlockDigits:
    """Another set's pictures, each above or below a block that tells nothing: which block has the signal is known.

    of: the other set, such as `mnist`. The null block is one fixed pattern. place: of the signal, `random` by the id of
    the picture and the seed, or always the `top`. label: that of the `picture`, or the `block` that has the signal, for
    `gradient_blocks` to find: the same pictures in two classes.
    """
    return BlockDigits(nb.open_dataset(of), place, label, seed)
