"""What a challenge keeps of a picture until it is judged, and how the files of its participants are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...imaging.pictures import read_picture
from ...imaging.pixels import Array, as_hwc, to_unit
from ...imaging.sample import Sample
from ...imaging.validation import check_restored


def sealed_arrays(item: Sample) -> dict[str, Array]:
    """The pictures of an item, by name."""
    pictures = {"clean": item.clean, "noisy": item.noisy}
    return {name: np.asarray(picture) for name, picture in pictures.items() if picture is not None}


def unsealed(name: str, arrays: Mapping[str, Array]) -> Sample:
    """The item again, under the name that it has in the challenge."""
    return Sample(name, arrays["clean"], arrays.get("noisy"))


def read_output_file(file: Path, wanted: Sequence[int], info: Mapping[str, Any]) -> Array:
    """A picture file or `.npy` as restored pictures are, float32 (H, W, C). Raises `UsageError`."""
    picture = read_picture(file)
    check_restored(picture, f"{file.name}", file=True)
    return np.ascontiguousarray(as_hwc(to_unit(picture)), dtype=np.float32)
