"""What a challenge keeps of a picture with its label map until it is judged, and how files of participants are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...data.arrays import read_numbers
from ...imaging.pictures import read_picture
from ...imaging.pixels import Array
from ...text.errors import UsageError
from .mapped_picture import MappedPicture


def sealed_arrays(item: MappedPicture) -> dict[str, Array]:
    """Picture, label map, names of the classes, and the background where one of them is."""
    arrays = {"picture": item.picture, "labels": item.labels, "classes": np.array(item.classes, np.str_)}
    return arrays if item.background is None else {**arrays, "background": np.array(item.background)}


def unsealed(name: str, arrays: Mapping[str, Array]) -> MappedPicture:
    """The item again, under the name that it has in the challenge."""
    background = int(arrays["background"].item()) if "background" in arrays else None
    return MappedPicture(name, arrays["picture"], arrays["labels"], tuple(arrays["classes"].tolist()), background)


def answer_classes(item: MappedPicture) -> Sequence[str]:
    """The names of the classes, by whose places maps are written."""
    return item.classes


def read_output_file(file: Path, wanted: Sequence[int], info: Mapping[str, Any]) -> Array:
    """A label map, integers (H, W), as a PNG or a `.npy`, or logits (K, H, W) in a `.npy`: logits, float32.

    A map names each class by its place. Raises `UsageError`.
    """
    values = read_numbers(file) if file.suffix == ".npy" else read_picture(file)
    if values.dtype.kind == "f":
        return np.asarray(values, np.float32)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise UsageError(f"it is {values.dtype} {values.shape}: a grey picture of the places of classes is due")
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    if least < 0 or most >= wanted[0]:
        raise UsageError(f"it names class {least if least < 0 else most}: 0 to {wanted[0] - 1} are due")
    return np.asarray(values == np.arange(wanted[0])[:, None, None], np.float32)
